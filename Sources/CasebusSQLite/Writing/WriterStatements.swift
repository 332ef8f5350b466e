import CasebusJournal
import CasebusProtocol
import GRDB
import struct NIOCore.ByteBuffer

/// The statements of the hot path, compiled once.
struct WriterStatements {
  let db: Database
  private let selectWorkspace: SQLStatement
  private let selectNewest: SQLStatement
  private let insertEvent: SQLStatement
  private let insertReceipt: SQLStatement
  private let upsertPosition: SQLStatement
  private let updateDeadline: SQLStatement

  init(_ db: Database) throws {
    self.db = db
    selectWorkspace = try SQLStatement(db, "SELECT id, pruned, deadline FROM workspaces WHERE name = ?")
    selectNewest = try SQLStatement(
      db, "SELECT id, total FROM events WHERE id > ? AND id <= ? ORDER BY id DESC LIMIT 1")
    insertEvent = try SQLStatement(
      db, "INSERT INTO events(id, time, event, data, detail, total, kind) VALUES(?, ?, ?, ?, ?, ?, ?)")
    insertReceipt = try SQLStatement(
      db,
      """
      INSERT INTO receipts(workspace, messageID, time, offset, failureCode, failureMessage) VALUES(?, ?, ?, ?, ?, ?)
      """)
    upsertPosition = try SQLStatement(
      db,
      """
      INSERT INTO positions(consumer, workspace, offset) VALUES(?, ?, ?)
      ON CONFLICT(consumer, workspace) DO UPDATE SET offset = excluded.offset
      """)
    updateDeadline = try SQLStatement(db, "UPDATE workspaces SET deadline = ? WHERE id = ?")
  }

  // MARK: - Workspaces

  func workspace(named name: WorkspaceID) throws -> (id: Int64, pruned: JournalOffset, deadline: Int64?)? {
    try selectWorkspace.bind(1, name.text)
    guard try selectWorkspace.step() else { return nil }
    defer { selectWorkspace.reset() }
    return (selectWorkspace.integer(0), selectWorkspace.offset(1), selectWorkspace.optionalInteger(2))
  }

  func newestRecord(of workspace: Int64) throws -> (offset: JournalOffset, total: Int64)? {
    try selectNewest.bind(1, RecordID.make(workspace, 0))
    try selectNewest.bind(2, RecordID.end(of: workspace))
    guard try selectNewest.step() else { return nil }
    defer { selectNewest.reset() }
    return (RecordID.offset(of: selectNewest.integer(0)), selectNewest.integer(1))
  }

  func insertWorkspace(_ name: WorkspaceID, number: Int64, generation: Int64) throws {
    try db.execute(
      sql: "INSERT INTO workspaces(id, name, generation) VALUES(?, ?, ?)", arguments: [number, name.text, generation])
  }

  func update(deadline: Int64?, of workspace: Int64) throws {
    try updateDeadline.bind(1, deadline)
    try updateDeadline.bind(2, workspace)
    try updateDeadline.run()
  }

  // MARK: - What a part brings

  /// - Parameter total: the bytes of the workspace's records up to and including this one.
  func insert(_ record: JournalRecord, to workspace: Int64, total: Int64) throws {
    try insertEvent.bind(1, RecordID.make(workspace, record.offset))
    try insertEvent.bind(2, record.time)
    try insertEvent.bind(3, record.event)
    try insertEvent.bind(4, record.data)
    if record.detail.readableBytes > 0 {
      try insertEvent.bind(5, record.detail)
    } else {
      try insertEvent.bindNull(5)
    }
    try insertEvent.bind(6, total)
    try insertEvent.bind(7, record.kind.utf8.isEmpty ? nil : record.kind)
    try insertEvent.run()
  }

  func insert(_ receipt: JournalReceipt, to workspace: Int64) throws {
    try insertReceipt.bind(1, workspace)
    try insertReceipt.bind(2, receipt.messageID.text)
    try insertReceipt.bind(3, receipt.time)
    try insertReceipt.bind(4, receipt.offset)
    try insertReceipt.bind(5, receipt.failure?.code.rawValue)
    try insertReceipt.bind(6, receipt.failure?.message)
    try insertReceipt.run()
  }

  func replace(_ snapshot: JournalSnapshot, of workspace: Int64) throws {
    let statement = try SQLStatement(
      db, "INSERT OR REPLACE INTO snapshots(workspace, offset, state, isEmpty) VALUES(?, ?, ?, ?)")
    try statement.bind(1, workspace)
    try statement.bind(2, snapshot.offset)
    try statement.bind(3, snapshot.state)
    try statement.bind(4, Int64(snapshot.isEmpty ? 1 : 0))
    try statement.run()
  }

  func upsertPosition(of consumer: Int64, in workspace: Int64, _ offset: JournalOffset) throws {
    try upsertPosition.bind(1, consumer)
    try upsertPosition.bind(2, workspace)
    try upsertPosition.bind(3, offset)
    try upsertPosition.run()
  }
}
