import CasebusJournal
import CasebusProtocol
import GRDB

/// Writes batches into the tables, inside a transaction of somebody else, and knows where the streams stand that it
/// wrote to.
///
/// Used on the writer's queue only.
final class StreamTable {
  let statements: WriterStatements
  private var streams: [WorkspaceID: Stream] = [:]
  private var consumers: [JournalConsumer.Key: Int64] = [:]

  init(_ db: Database) throws {
    statements = try WriterStatements(db)
  }

  /// A stream as the open transaction has it.
  private struct Stream {
    /// nil for one that has no row yet.
    var id: Int64?
    var last: JournalOffset = 0
    var deadline: Int64?
  }

  /// Forgets what it knows: a transaction came to nothing, and with it everything that was known from it.
  func forget() {
    streams = [:]
    consumers = [:]
  }

  func forget(_ workspace: WorkspaceID) {
    streams[workspace] = nil
  }

  /// - Returns: a failure if a part does not follow what is there; then nothing of the batch was written.
  /// - Throws: the error of SQLite after which the transaction has to be given up.
  func append(_ batch: JournalBatch) throws -> Result<Void, JournalError> {
    for (workspace, part) in batch.parts {
      let stream = try stream(workspace)
      guard part.expected == stream.last else {
        return .failure(.conflict(workspace, expected: part.expected, actual: stream.last))
      }
    }
    for change in batch.consumerChanges { try apply(change) }
    for (workspace, part) in batch.parts { try append(part, to: workspace) }
    return .success(())
  }

  // MARK: - Streams

  private func stream(_ workspace: WorkspaceID) throws -> Stream {
    if let known = streams[workspace] { return known }
    var stream = Stream()
    if let row = try statements.workspace(named: workspace) {
      let newest = try statements.newestRecord(of: row.id) ?? 0
      stream = Stream(id: row.id, last: max(row.pruned, newest), deadline: row.deadline)
    }
    streams[workspace] = stream
    return stream
  }

  private func append(_ part: JournalPart, to workspace: WorkspaceID) throws {
    var stream = try stream(workspace)
    guard stream.id != nil || part.hasContent else { return }
    let id = try stream.id ?? statements.insertWorkspace(workspace)
    stream.id = id
    try insert(part.records, to: id, after: stream.last)
    stream.last += JournalOffset(part.records.count)
    for receipt in part.receipts { try statements.insert(receipt, to: id) }
    for position in part.positions { try move(to: position, in: id) }
    if let snapshot = part.snapshot { try statements.replace(snapshot, of: id) }
    if part.deadline != stream.deadline { try statements.update(deadline: part.deadline, of: id) }
    stream.deadline = part.deadline
    streams[workspace] = stream
  }

  private func insert(_ records: [JournalRecord], to id: Int64, after last: JournalOffset) throws {
    guard last + JournalOffset(records.count) <= JournalOffset(RecordID.offsetMax) else {
      throw DatabaseError(resultCode: .SQLITE_FULL, message: "a workspace has more events than can be numbered")
    }
    var last = last
    for record in records {
      last += 1
      precondition(record.offset == last, "a record numbered \(record.offset) was appended as number \(last)")
      try statements.insert(record, to: id)
    }
  }

  // MARK: - Consumers

  private func apply(_ change: JournalConsumer.Change) throws {
    switch change {
    case .make(let consumer, let start):
      guard try id(of: consumer.key) == nil else { return }
      let id = try statements.insert(consumer)
      consumers[consumer.key] = id
      try begin(id, consumer.key, at: start)
    case .delete(let key):
      guard let id = try id(of: key) else { return }
      try statements.deleteConsumer(id)
      consumers[key] = nil
    case .redeliver(let key, let offsets):
      guard let id = try id(of: key) else { return }
      for (workspace, offsets) in offsets {
        for offset in offsets { try statements.redeliver(offset, to: id, in: workspace) }
      }
    }
  }

  private func begin(_ id: Int64, _ key: JournalConsumer.Key, at start: JournalConsumer.Start) throws {
    switch start {
    case .beginning: break
    case .now: try statements.insertPositionsAtTheEnd(for: id, in: key.workspace)
    case .after(let offset):
      guard let workspace = key.workspace else { return }
      try statements.upsertPosition(of: id, in: row(of: workspace), offset)
    }
  }

  private func row(of workspace: WorkspaceID) throws -> Int64 {
    var stream = try stream(workspace)
    let id = try stream.id ?? statements.insertWorkspace(workspace)
    stream.id = id
    streams[workspace] = stream
    return id
  }

  private func id(of key: JournalConsumer.Key) throws -> Int64? {
    if let known = consumers[key] { return known }
    let id = try statements.consumer(key)
    consumers[key] = id
    return id
  }

  /// The position of a consumer that was deleted meanwhile is no longer of interest.
  private func move(to position: JournalPosition, in workspace: Int64) throws {
    guard let consumer = try id(of: position.consumer) else { return }
    try statements.upsertPosition(of: consumer, in: workspace, position.offset)
    for record in position.parked { try statements.insert(record, parkedBy: consumer, in: workspace) }
    for offset in position.unparked { try statements.deleteParked(offset, by: consumer, in: workspace) }
  }
}

extension JournalPart {
  /// Whether there is anything to write for a workspace that has nothing yet.
  fileprivate var hasContent: Bool {
    !records.isEmpty || !receipts.isEmpty || !positions.isEmpty || snapshot != nil || deadline != nil
  }
}

@available(*, unavailable)
extension StreamTable: Sendable {}
