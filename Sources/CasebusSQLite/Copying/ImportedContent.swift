import CasebusJournal
import CasebusProtocol
import GRDB
import struct NIOCore.ByteBuffer

/// What was imported so far; used on the queue of its connection only.
struct ImportedContent {
  let statements: WriterStatements
  private(set) var isAtEnd = false
  private(set) var events: UInt64 = 0
  private var workspaces: [WorkspaceID: Workspace] = [:]
  private var consumers: [JournalConsumer.Key: Int64] = [:]
  /// The workspace whose lines are being read.
  private var current: WorkspaceID?

  init(statements: WriterStatements) {
    self.statements = statements
  }

  private struct Workspace {
    var id: Int64
    var pruned: JournalOffset
    var last: JournalOffset
    var snapshot: JournalOffset?
    /// The bytes of its records.
    var total: Int64 = 0
  }

  var workspaceCount: Int { workspaces.count }

  mutating func add(_ line: ImportedLine, lineNumber: Int) throws {
    switch line.type {
    case "workspace": try addWorkspace(line)
    case "event": try addEvent(line)
    case "snapshot": try addSnapshot(line)
    case "receipt": try addReceipt(line)
    case "consumer": try addConsumer(line)
    case "position": try addPosition(line)
    case "parked": try addParked(line)
    case "end": try end(line, lineNumber: lineNumber)
    case let type: throw ImportedLineError("its type is \"\(type)\", which is none that an export writes")
    }
  }

  // MARK: - Workspaces

  private mutating func addWorkspace(_ line: ImportedLine) throws {
    try endWorkspace()
    let name = try line.workspace()
    guard workspaces[name] == nil else { throw ImportedLineError("workspace \(name) was there before") }
    let pruned = try line.offset("pruned")
    let id = Int64(workspaces.count + 1)
    guard id <= RecordID.workspaceMax else {
      throw ImportedLineError("there are more than \(RecordID.workspaceMax) workspaces (journalWorkspacesMax)")
    }
    let generation = try line.generation(max: StreamEpoch.generation(statements.db))
    try statements.insertWorkspace(name, number: id, generation: generation)
    try statements.update(pruned: pruned, of: id)
    if let deadline = try line.optionalInteger("deadline") { try statements.update(deadline: deadline, of: id) }
    workspaces[name] = Workspace(id: id, pruned: pruned, last: pruned)
    current = name
  }

  /// The events and the snapshot must give the state.
  private func endWorkspace() throws {
    guard let name = current, let workspace = workspaces[name] else { return }
    guard workspace.pruned == 0 || workspace.snapshot != nil else {
      throw ImportedLineError("before it: workspace \(name) lacks its events up to \(workspace.pruned) and a snapshot")
    }
  }

  private func known(_ line: ImportedLine) throws -> (name: WorkspaceID, workspace: Workspace) {
    let name = try line.workspace()
    guard let workspace = workspaces[name] else {
      throw ImportedLineError("its workspace is \(name), of which there was no line")
    }
    return (name, workspace)
  }

  private mutating func addEvent(_ line: ImportedLine) throws {
    var (name, workspace) = try known(line)
    let offset = try line.offset("offset")
    guard offset == workspace.last + 1 else {
      throw ImportedLineError("its offset is \(offset), expected \(workspace.last + 1) in workspace \(name)")
    }
    let event = try line.text("event")
    guard !event.isEmpty else { throw ImportedLineError("its event is empty") }
    let record = JournalRecord(
      offset: offset, time: try line.integer("time"), event: event,
      kind: try line.optionalText("kind") ?? "", data: try line.json("data"),
      detail: line.optionalValue("detail") == nil ? ByteBuffer() : try line.json("detail"))
    try statements.insert([record], to: workspace.id, total: &workspace.total)
    workspace.last = offset
    workspaces[name] = workspace
    events += 1
  }

  private mutating func addSnapshot(_ line: ImportedLine) throws {
    var (name, workspace) = try known(line)
    let offset = try line.offset("offset")
    guard (workspace.pruned...workspace.last).contains(offset) else {
      throw ImportedLineError(
        "its offset is \(offset), expected \(workspace.pruned) to \(workspace.last) in workspace \(name)")
    }
    let isEmpty = line.optionalValue("isEmpty") == .boolean(true)
    let snapshot = JournalSnapshot(offset: offset, state: try line.json("state"), isEmpty: isEmpty)
    try statements.replace(snapshot, of: workspace.id)
    workspace.snapshot = offset
    workspaces[name] = workspace
  }

  private func addReceipt(_ line: ImportedLine) throws {
    let (name, workspace) = try known(line)
    let offset = try line.offset("offset")
    guard offset <= workspace.last else {
      throw ImportedLineError("its offset is \(offset), expected at most \(workspace.last) in workspace \(name)")
    }
    let failure = try line.optionalText("failureCode").map { code in
      guard let known = ErrorCode(rawValue: code) else { throw ImportedLineError("its failureCode is \"\(code)\"") }
      return Failure(known, try line.optionalText("failureMessage") ?? "")
    }
    let receipt = JournalReceipt(
      messageID: Identifier(try line.text("messageId")), time: try line.integer("time"), offset: offset,
      failure: failure)
    try statements.insert(receipt, to: workspace.id)
  }

  // MARK: - Consumers

  private mutating func addConsumer(_ line: ImportedLine) throws {
    try endWorkspace()
    current = nil
    let key = try key(line)
    guard consumers[key] == nil else { throw ImportedLineError("consumer \(key.name) was there before") }
    guard let events = try line.value("events").arrayValue, !events.contains(where: { $0.stringValue == nil }) else {
      throw ImportedLineError("its events are not an array of texts")
    }
    let consumer = JournalConsumer(
      key: key, events: events.compactMap(\.stringValue), time: try line.integer("time"))
    consumers[key] = try statements.insert(consumer)
  }

  private func addPosition(_ line: ImportedLine) throws {
    let (consumer, workspace, offset) = try place(line)
    try statements.upsertPosition(of: consumer, in: workspace, offset)
  }

  private func addParked(_ line: ImportedLine) throws {
    let (consumer, workspace, offset) = try place(line)
    let deliveries = Int(try line.integer("deliveries"))
    let record = ParkedRecord(
      offset: offset, deliveries: deliveries, time: try line.integer("time"),
      reason: try line.optionalText("reason").flatMap(ParkedRecord.Reason.init),
      comesAgain: try line.optionalInteger("again") ?? 0 != 0)
    try statements.insert(record, parkedBy: consumer, in: workspace)
  }

  private func place(_ line: ImportedLine) throws -> (consumer: Int64, workspace: Int64, offset: JournalOffset) {
    let key = try key(line)
    guard let consumer = consumers[key] else {
      throw ImportedLineError("its consumer is \(key.name) of \(key.scope), of which there was no line")
    }
    let (name, workspace) = try known(line)
    let offset = try line.offset("offset")
    guard offset <= workspace.last else {
      throw ImportedLineError("its offset is \(offset), expected at most \(workspace.last) in workspace \(name)")
    }
    return (consumer, workspace.id, offset)
  }

  private func key(_ line: ImportedLine) throws -> JournalConsumer.Key {
    let scope = try line.text("scope")
    guard let key = JournalConsumer.Key(name: try line.text("consumer"), scope: scope) else {
      throw ImportedLineError("its scope is \"\(scope)\", expected a workspace or *")
    }
    return key
  }

  private mutating func end(_ line: ImportedLine, lineNumber: Int) throws {
    try endWorkspace()
    let lines = try line.integer("lines")
    guard lines == lineNumber - 1 else {
      throw ImportedLineError("it says that \(lines) lines came before it, \(lineNumber - 1) did")
    }
    isAtEnd = true
  }
}

extension WriterStatements {
  fileprivate func update(pruned: JournalOffset, of workspace: Int64) throws {
    try db.execute(
      sql: "UPDATE workspaces SET pruned = ? WHERE id = ?", arguments: [Int64(clamping: pruned), workspace])
  }
}
