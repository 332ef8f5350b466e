import CasebusJournal
import CasebusProtocol
import GRDB

extension JournalReader {
  func consumers() throws -> [JournalConsumer] {
    let statement = try SQLStatement(db, "SELECT name, scope, events, time FROM consumers ORDER BY id")
    var consumers: [JournalConsumer] = []
    while try statement.step() { try consumers.append(JournalConsumer(statement)) }
    return consumers
  }

  /// nil if the consumer does not exist.
  func backlog(of key: JournalConsumer.Key) throws -> [JournalBacklog]? {
    let select = try SQLStatement(db, "SELECT id FROM consumers WHERE name = ? AND scope = ?")
    try select.bind(1, key.name)
    try select.bind(2, key.scope)
    guard try select.step() else { return nil }
    let consumer = select.integer(0)
    select.reset()
    let parked = try parked(by: consumer)
    let backlogs = try positions(of: consumer, in: key.workspace) { id, backlog in
      var backlog = backlog
      backlog.parked = parked[id] ?? []
      return key.workspace != nil || backlog.position < backlog.last || !backlog.parked.isEmpty ? backlog : nil
    }
    guard backlogs.isEmpty, let workspace = key.workspace else { return backlogs }
    return [JournalBacklog(workspace: workspace, position: 0, last: 0, first: 1)]
  }

  /// The consumer's position in each workspace that the body selects.
  private func positions(
    of consumer: Int64, in workspace: WorkspaceID?, _ body: (Int64, JournalBacklog) -> JournalBacklog?
  ) throws -> [JournalBacklog] {
    let statement = try SQLStatement(
      db,
      """
      SELECT w.id, w.name, max(w.pruned, ifnull(p.offset, 0)), max(w.pruned, \(StreamEnd.newestOffset)), w.pruned
      FROM workspaces w LEFT JOIN positions p ON p.consumer = ? AND p.workspace = w.id
      \(workspace == nil ? "" : "WHERE w.name = ?")
      """)
    try statement.bind(1, consumer)
    if let workspace { try statement.bind(2, workspace.text) }
    var backlogs: [JournalBacklog] = []
    while try statement.step() {
      let backlog = JournalBacklog(
        workspace: try WorkspaceID(journaled: statement.text(1)), position: statement.offset(2),
        last: statement.offset(3), first: statement.offset(4) + 1)
      if let wanted = body(statement.integer(0), backlog) { backlogs.append(wanted) }
    }
    return backlogs
  }

  /// By the workspaces' numbers, the oldest first.
  private func parked(by consumer: Int64) throws -> [Int64: [ParkedRecord]] {
    let statement = try SQLStatement(
      db,
      """
      SELECT workspace, offset, deliveries, time, \(JournalSchema.parkedColumns(db)) FROM parked
      WHERE consumer = ? ORDER BY workspace, offset
      """)
    try statement.bind(1, consumer)
    var parked: [Int64: [ParkedRecord]] = [:]
    while try statement.step() {
      let record = ParkedRecord(
        offset: statement.offset(1), deliveries: Int(statement.integer(2)), time: statement.integer(3),
        reason: statement.optionalText(4).flatMap(ParkedRecord.Reason.init), comesAgain: statement.integer(5) != 0)
      parked[statement.integer(0), default: []].append(record)
    }
    return parked
  }
}

extension JournalConsumer {
  /// name, scope, events, time
  init(_ row: SQLStatement) throws {
    let name = row.text(0)
    guard let key = Key(name: name, scope: row.text(1)),
      case .array(let events)? = try? JSONValue(parsing: row.text(2))
    else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the consumer \"\(name)\" cannot be read") }
    self.init(key: key, events: events.compactMap(\.stringValue), time: row.integer(3))
  }
}
