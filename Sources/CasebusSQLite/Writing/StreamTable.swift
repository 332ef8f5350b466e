import CasebusJournal
import CasebusProtocol
import GRDB

/// Writes batches into the tables, inside a transaction of somebody else, and knows where the streams stand that it
/// wrote to.
///
/// Used on the writer's queue only.
final class StreamTable {
  let statements: WriterStatements
  /// Since somebody set it to zero.
  var written = Counts()
  private var streams: [WorkspaceID: Stream] = [:]
  private var consumers: [JournalConsumer.Key: Int64] = [:]
  private var numbers: WorkspaceNumbers
  private let holds: StreamHolds
  private let workspacesMax: Int64

  init(_ db: Database, holds: StreamHolds, workspacesMax: Int64) throws {
    statements = try WriterStatements(db)
    self.holds = holds
    self.workspacesMax = workspacesMax
    numbers = WorkspaceNumbers(max: workspacesMax)
  }

  /// What was written.
  struct Counts {
    var records = 0
    var bytes = 0
  }

  /// A stream as the open transaction has it.
  private struct Stream {
    /// nil for one that has no row yet.
    var id: Int64?
    var last: JournalOffset = 0
    var deadline: Int64?
    /// The bytes of its records, as the newest one tells them.
    var total: Int64 = 0
  }

  /// Forgets what it knows: a transaction came to nothing, and with it everything that was known from it.
  func forget() {
    streams = [:]
    consumers = [:]
  }

  func forget(_ workspace: WorkspaceID) {
    streams[workspace] = nil
  }

  /// These numbers were free when a sweep looked.
  func set(free numbers: [ClosedRange<Int64>]) {
    self.numbers.set(free: numbers)
  }

  /// What cannot be taken is found out before anything of it is written.
  /// - Parameter refused: parts of which is known already that they cannot be taken.
  /// - Returns: a failure if there is no room for the consumers' workspaces; then nothing of the batch was written.
  /// - Throws: ``PartError``, or another error; the transaction has to be given up after either.
  func append(
    _ batch: JournalBatch, but refused: [WorkspaceID: JournalError] = [:]
  ) throws -> Result<JournalCommit, JournalError> {
    for change in batch.consumerChanges {
      if let error = try makeRoom(for: change) { return .failure(error) }
    }
    for change in batch.consumerChanges { try apply(change) }
    var commit = JournalCommit(refused: refused)
    for (workspace, part) in batch.parts where refused[workspace] == nil {
      if let error = try append(part, to: workspace) { commit.refused[workspace] = error }
    }
    return .success(commit)
  }

  // MARK: - Streams

  private func stream(_ workspace: WorkspaceID) throws -> Stream {
    if let known = streams[workspace] { return known }
    var stream = Stream()
    if let row = try statements.workspace(named: workspace) {
      let newest = try statements.newestRecord(of: row.id)
      stream = Stream(
        id: row.id, last: max(row.pruned, newest?.offset ?? 0), deadline: row.deadline, total: newest?.total ?? 0)
    }
    streams[workspace] = stream
    return stream
  }

  /// - Returns: why the part is refused; then nothing of it was written. nil if it was written.
  private func append(_ part: JournalPart, to workspace: WorkspaceID) throws -> JournalError? {
    var stream = try stream(workspace)
    if let error = try refusal(of: part, in: workspace, at: &stream) { return error }
    try PartError.attributing(to: workspace) { try write(part, to: &stream) }
    streams[workspace] = stream
    return nil
  }

  /// Why a part cannot be taken, whatever the storage does; nil if it can. Then the stream has a row if it needs one.
  private func refusal(
    of part: JournalPart, in workspace: WorkspaceID, at stream: inout Stream
  ) throws -> JournalError? {
    guard part.expected == stream.last else {
      return .conflict(workspace, expected: part.expected, actual: stream.last)
    }
    guard stream.last + JournalOffset(part.records.count) <= JournalOffset(RecordID.offsetMax) else {
      return .limitReached(
        "workspace \(workspace) stands at offset \(stream.last), the greatest is \(RecordID.offsetMax) (journalOffsetMax)"
      )
    }
    guard stream.id == nil, part.hasContent else { return nil }
    return try makeRow(of: workspace, &stream)
  }

  /// Gives a workspace a row.
  /// - Returns: an error if there may be no more.
  private func makeRow(of workspace: WorkspaceID, _ stream: inout Stream) throws -> JournalError? {
    guard let number = try numbers.next(statements.db) else {
      return .limitReached(
        "the journal has \(workspacesMax) workspaces, the most that it can number (journalWorkspacesMax)")
    }
    let generation = try holds.generation(of: workspace) ?? StreamEpoch.generation(statements.db)
    try statements.insertWorkspace(workspace, number: number, generation: generation)
    stream.id = number
    return nil
  }

  private func write(_ part: JournalPart, to stream: inout Stream) throws {
    guard let id = stream.id else { return }
    try insert(part.records, to: id, of: &stream)
    for receipt in part.receipts { try statements.insert(receipt, to: id) }
    for position in part.positions { try move(to: position, in: id) }
    if let snapshot = part.snapshot { try statements.replace(snapshot, of: id) }
    if part.deadline != stream.deadline { try statements.update(deadline: part.deadline, of: id) }
    stream.deadline = part.deadline
  }

  private func insert(_ records: [JournalRecord], to id: Int64, of stream: inout Stream) throws {
    for index in records.indices {
      stream.last += 1
      let offset = records[index].offset
      precondition(offset == stream.last, "a record numbered \(offset) was appended as number \(stream.last)")
    }
    let bytesBefore = stream.total
    try statements.insert(records, to: id, total: &stream.total)
    written.records += records.count
    written.bytes += Int(stream.total - bytesBefore)
  }

  // MARK: - Consumers

  /// A consumer that begins after an offset has a position, and that belongs to a workspace's row.
  private func makeRoom(for change: JournalConsumer.Change) throws -> JournalError? {
    guard case .make(let consumer, .after) = change, let workspace = consumer.key.workspace else { return nil }
    var stream = try stream(workspace)
    guard stream.id == nil else { return nil }
    defer { streams[workspace] = stream }
    return try makeRow(of: workspace, &stream)
  }

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
      guard let workspace = try key.workspace.flatMap({ try stream($0).id }) else { return }
      try statements.upsertPosition(of: id, in: workspace, offset)
    }
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
