import CasebusJournal
import CasebusProtocol
import GRDB

extension WriterStatements {
  func consumer(_ key: JournalConsumer.Key) throws -> Int64? {
    try Int64.fetchOne(
      db.cachedStatement(sql: "SELECT id FROM consumers WHERE name = ? AND scope = ?"),
      arguments: [key.name, key.scope])
  }

  func insert(_ consumer: JournalConsumer) throws -> Int64 {
    let events = JSONValue.array(consumer.events.map(JSONValue.string)).jsonText
    try db.execute(
      sql: "INSERT INTO consumers(name, scope, events, time) VALUES(?, ?, ?, ?)",
      arguments: [consumer.key.name, consumer.key.scope, events, consumer.time])
    return db.lastInsertedRowID
  }

  /// Everything that is there counts as done with.
  func insertPositionsAtTheEnd(for consumer: Int64, in workspace: WorkspaceID?) throws {
    try db.execute(
      sql: """
        INSERT INTO positions(consumer, workspace, offset)
        SELECT ?, id, max(pruned, \(StreamEnd.newestOffset)) FROM workspaces w WHERE ? IS NULL OR name = ?
        """,
      arguments: [consumer, workspace?.text, workspace?.text])
  }

  func insert(_ record: ParkedRecord, parkedBy consumer: Int64, in workspace: Int64) throws {
    try db.execute(
      sql: """
        INSERT OR REPLACE INTO parked(consumer, workspace, offset, deliveries, time, reason, again)
        VALUES(?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        consumer, workspace, Int64(clamping: record.offset), record.deliveries, record.time, record.reason?.rawValue,
        record.comesAgain,
      ])
  }

  func deleteParked(_ offset: JournalOffset, by consumer: Int64, in workspace: Int64) throws {
    try db.cachedStatement(sql: "DELETE FROM parked WHERE consumer = ? AND workspace = ? AND offset = ?")
      .execute(arguments: [consumer, workspace, Int64(clamping: offset)])
  }

  /// One that is not parked is no matter.
  func redeliver(_ offset: JournalOffset, to consumer: Int64, in workspace: WorkspaceID) throws {
    try db.cachedStatement(
      sql: """
        UPDATE parked SET again = 1
        WHERE consumer = ? AND workspace = (SELECT id FROM workspaces WHERE name = ?) AND offset = ?
        """
    ).execute(arguments: [consumer, workspace.text, Int64(clamping: offset)])
  }

  func deleteConsumer(_ id: Int64) throws {
    for table in ["positions", "parked"] {
      try db.execute(sql: "DELETE FROM \(table) WHERE consumer = ?", arguments: [id])
    }
    try db.execute(sql: "DELETE FROM consumers WHERE id = ?", arguments: [id])
  }
}

extension JournalConsumer.Key {
  /// Its workspace, or `*` for all of them, as in the URL of a monitor.
  var scope: String { workspace?.text ?? "*" }

  /// - Returns: nil if the scope is none.
  init?(name: String, scope: String) {
    self.init(name: name, workspace: WorkspaceID(scope))
    guard workspace != nil || scope == "*" else { return nil }
  }
}

/// Pieces of SQL for where the stream of the workspace `w` stands.
enum StreamEnd {
  /// The offset of the newest record that is kept, 0 if none is.
  static let newestOffset = """
    ifnull((SELECT id & 1099511627775 FROM events WHERE id > w.id << 40 AND id <= w.id << 40 | 1099511627775
      ORDER BY id DESC LIMIT 1), 0)
    """
}
