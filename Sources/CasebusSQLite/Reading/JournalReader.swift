import CasebusJournal
import CasebusProtocol
import GRDB
import struct NIOCore.ByteBuffer

/// The queries, within one read transaction.
struct JournalReader {
  let db: Database
  private let kindColumn: String

  /// - Parameter kindColumn: the one of the file's schema (``JournalSchema/kindColumn(_:)``), if the schema can be an
  ///   older one.
  init(_ db: Database, kindColumn: String = "kind") {
    self.db = db
    self.kindColumn = kindColumn
  }

  /// A workspace's row.
  struct Row {
    var id: Int64
    var pruned: JournalOffset
  }

  func row(of workspace: WorkspaceID) throws -> Row? {
    let statement = try SQLStatement(db, "SELECT id, pruned FROM workspaces WHERE name = ?")
    try statement.bind(1, workspace.text)
    guard try statement.step() else { return nil }
    defer { statement.reset() }
    return Row(id: statement.integer(0), pruned: statement.offset(1))
  }

  private func generation(of row: Row) throws -> Int64 {
    let statement = try SQLStatement(db, "SELECT generation FROM workspaces WHERE id = ?")
    try statement.bind(1, row.id)
    guard try statement.step() else { return 0 }
    defer { statement.reset() }
    return statement.integer(0)
  }

  // MARK: - Streams

  /// - Parameter epoch: the file's.
  func stream(
    _ workspace: WorkspaceID, epoch file: String, receiptsMax: UInt64
  ) throws -> (JournalStream, StreamHolds.Opened) {
    let row = try row(of: workspace)
    let generation = try row.map(generation) ?? StreamEpoch.generation(db)
    let epoch = StreamEpoch.text(file: file, workspace: workspace, generation: generation)
    let opened = StreamHolds.Opened(pruned: row?.pruned ?? 0, generation: generation)
    guard let row else { return (JournalStream(epoch: epoch), opened) }
    let snapshot = try snapshot(of: row.id)
    let start = max(snapshot?.offset ?? 0, row.pruned)
    let records = try records(of: row.id, after: start, limit: .max, bytesMax: .max)
    let stream = JournalStream(
      epoch: epoch, last: try records.last?.offset ?? last(of: row), snapshot: snapshot, records: records,
      receipts: try receipts(of: row.id, limit: receiptsMax))
    return (stream, opened)
  }

  func last(of row: Row) throws -> JournalOffset {
    let statement = try SQLStatement(db, "SELECT id FROM events WHERE id > ? AND id <= ? ORDER BY id DESC LIMIT 1")
    try statement.bind(1, RecordID.make(row.id, 0))
    try statement.bind(2, RecordID.end(of: row.id))
    guard try statement.step() else { return row.pruned }
    defer { statement.reset() }
    return max(row.pruned, RecordID.offset(of: statement.integer(0)))
  }

  private func snapshot(of workspace: Int64) throws -> JournalSnapshot? {
    let statement = try SQLStatement(db, "SELECT offset, state, isEmpty FROM snapshots WHERE workspace = ?")
    try statement.bind(1, workspace)
    guard try statement.step() else { return nil }
    defer { statement.reset() }
    return JournalSnapshot(
      offset: statement.offset(0), state: statement.buffer(1), isEmpty: statement.integer(2) != 0)
  }

  func workspacesWithDeadline() throws -> [WorkspaceID] {
    let statement = try SQLStatement(db, "SELECT name FROM workspaces WHERE deadline IS NOT NULL")
    var workspaces: [WorkspaceID] = []
    while try statement.step() { try workspaces.append(WorkspaceID(journaled: statement.text(0))) }
    return workspaces
  }

  // MARK: - Records

  /// - Throws: ``JournalError/pruned(first:)`` if the records after the offset were deleted.
  func records(
    of workspace: WorkspaceID, after offset: JournalOffset, limit: Int, bytesMax: Int
  ) throws -> [JournalRecord] {
    guard let row = try row(of: workspace) else { return [] }
    guard row.pruned <= offset else { throw JournalError.pruned(first: row.pruned + 1) }
    return try records(of: row.id, after: offset, limit: limit, bytesMax: bytesMax)
  }

  /// - Throws: an error if a record is missing.
  private func records(
    of workspace: Int64, after offset: JournalOffset, limit: Int, bytesMax: Int
  ) throws -> [JournalRecord] {
    guard offset < JournalOffset(RecordID.offsetMax) else { return [] }
    let statement = try SQLStatement(
      db,
      """
      SELECT id, time, event, data, detail, \(kindColumn) FROM events WHERE id > ? AND id <= ? ORDER BY id LIMIT ?
      """)
    try statement.bind(1, RecordID.make(workspace, offset))
    try statement.bind(2, RecordID.end(of: workspace))
    try statement.bind(3, Int64(clamping: limit))
    var records: [JournalRecord] = []
    var bytes = 0
    while try statement.step() {
      let record = JournalRecord(statement)
      guard record.offset == offset + JournalOffset(records.count) + 1 else {
        statement.reset()
        throw DatabaseError(
          resultCode: .SQLITE_CORRUPT,
          message: "of workspace number \(workspace), record \(record.offset) follows \(offset) + \(records.count)")
      }
      records.append(record)
      bytes += record.data.readableBytes + record.detail.readableBytes
      guard bytes < bytesMax else {
        statement.reset()
        break
      }
    }
    return records
  }

  // MARK: - Receipts

  /// The newest receipts, the oldest of them first.
  private func receipts(of workspace: Int64, limit: UInt64) throws -> [JournalReceipt] {
    let statement = try SQLStatement(
      db,
      """
      SELECT messageID, time, offset, failureCode, failureMessage FROM receipts WHERE workspace = ?
      ORDER BY id DESC LIMIT ?
      """)
    try statement.bind(1, workspace)
    try statement.bind(2, limit)
    var receipts: [JournalReceipt] = []
    while try statement.step() { receipts.append(JournalReceipt(statement)) }
    return receipts.reversed()
  }
}

extension JournalRecord {
  /// id, time, event, data, detail, kind
  init(_ row: SQLStatement) {
    self.init(
      offset: RecordID.offset(of: row.integer(0)), time: row.integer(1), event: row.text(2),
      kind: row.text(5), data: row.buffer(3), detail: row.buffer(4))
  }
}

extension JournalReceipt {
  /// messageID, time, offset, failureCode, failureMessage
  init(_ row: SQLStatement) {
    // A code of a later version is also a failure.
    let failure = row.optionalText(3).map {
      Failure(ErrorCode(rawValue: $0) ?? .invalidMessage, row.optionalText(4) ?? "")
    }
    self.init(messageID: Identifier(row.text(0)), time: row.integer(1), offset: row.offset(2), failure: failure)
  }
}

extension WorkspaceID {
  /// - Throws: an error if the column is not text: only a broker should write the file.
  init(journaled text: String) throws {
    guard let id = WorkspaceID(text) else {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "\"\(text)\" is not the name of a workspace")
    }
    self = id
  }
}
