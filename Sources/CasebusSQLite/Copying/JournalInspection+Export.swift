import CasebusJournal
import CasebusProtocol
import GRDB
package import struct NIOCore.ByteBuffer

extension JournalInspection {
  /// Writes the whole journal as JSON lines, from one state of the database: the head, each workspace with its events,
  /// snapshot and answers, the consumers with their positions, and the end with the number of lines before it.
  /// - Parameter write: gets some lines at a time.
  package func export(to write: @escaping (ByteBuffer) throws -> Void, progress: JournalProgress) throws {
    try read { db in
      var export = Export(db: db, write: write)
      try export.head()
      let lines = try WorkspaceLine.all(db)
      let total = lines.reduce(0) { $0 + $1.count }
      for line in lines { try export.workspace(line) { progress("exporting events", $0, total) } }
      try export.consumers()
      try export.end()
      progress("exporting events", export.events, total)
    }
  }
}

/// The state of one export.
private struct Export {
  let db: Database
  let write: (ByteBuffer) throws -> Void
  private(set) var events: UInt64 = 0
  private var buffer = ByteBuffer()
  private var lines: Int64 = 0
  private static var bytesPerWrite: Int { 1 << 16 }

  init(db: Database, write: @escaping (ByteBuffer) throws -> Void) {
    self.db = db
    self.write = write
  }

  private mutating func line(_ type: String, _ body: (inout ByteBuffer) -> Void) throws {
    buffer.beginJSONObject()
    buffer.writeJSONMember("type", type)
    body(&buffer)
    buffer.endJSONObject()
    buffer.writeInteger(UInt8(ascii: "\n"))
    lines += 1
    guard buffer.readableBytes >= Self.bytesPerWrite else { return }
    try write(buffer)
    buffer.clear()
  }

  mutating func head() throws {
    let epoch = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'epoch'")
    let generation = try StreamEpoch.generation(db)
    try line("journal") {
      $0.writeJSONMember("format", JournalImport.format)
      $0.writeJSONMember("schema", Int64(JournalSchema.version))
      $0.writeJSONMember("epoch", epoch)
      $0.writeJSONMember("generation", generation)
    }
  }

  mutating func end() throws {
    let count = lines
    try line("end") { $0.writeJSONMember("lines", count) }
    try write(buffer)
  }

  // MARK: - A workspace

  mutating func workspace(_ workspace: WorkspaceLine, progress: (UInt64) -> Void) throws {
    try line("workspace") {
      $0.writeJSONMember("workspace", workspace.name)
      $0.writeJSONMember("pruned", Int64(workspace.pruned))
      $0.writeJSONMember("generation", workspace.generation)
      if let deadline = workspace.deadline { $0.writeJSONMember("deadline", deadline) }
    }
    try records(of: workspace, progress: progress)
    try snapshot(of: workspace)
    try receipts(of: workspace)
  }

  private mutating func records(of workspace: WorkspaceLine, progress: (UInt64) -> Void) throws {
    let statement = try SQLStatement(
      db,
      """
      SELECT id, time, event, data, detail, \(JournalSchema.kindColumn(db)) FROM events WHERE id > ? AND id <= ?
      ORDER BY id
      """)
    try statement.bind(1, RecordID.make(workspace.id, 0))
    try statement.bind(2, RecordID.end(of: workspace.id))
    while try statement.step() {
      let record = JournalRecord(statement)
      try check(record.data, "the data of event \(record.offset)", workspace)
      try line("event") { $0.writeJSONMembers(of: record, in: workspace.name) }
      events += 1
      if events % 10_000 == 0 { progress(events) }
    }
  }

  private mutating func snapshot(of workspace: WorkspaceLine) throws {
    let statement = try SQLStatement(
      db, "SELECT offset, state, \(JournalSchema.isEmptyColumn(db)) FROM snapshots WHERE workspace = ?")
    try statement.bind(1, workspace.id)
    while try statement.step() {
      try check(statement.buffer(1), "the snapshot", workspace)
      try line("snapshot") {
        $0.writeJSONMember("workspace", workspace.name)
        $0.writeJSONMember("offset", statement.integer(0))
        $0.writeJSONMember("state", rawJSON: statement.buffer(1))
        if statement.integer(2) != 0 { $0.writeJSONMember("isEmpty", true) }
      }
    }
  }

  private mutating func receipts(of workspace: WorkspaceLine) throws {
    let statement = try SQLStatement(
      db,
      """
      SELECT messageID, time, offset, failureCode, failureMessage FROM receipts WHERE workspace = ? ORDER BY id
      """)
    try statement.bind(1, workspace.id)
    while try statement.step() {
      try line("receipt") {
        $0.writeJSONMember("workspace", workspace.name)
        $0.writeJSONMember("messageId", statement.text(0))
        $0.writeJSONMember("time", statement.integer(1))
        $0.writeJSONMember("offset", statement.integer(2))
        $0.writeJSONMember("failureCode", statement.optionalText(3))
        $0.writeJSONMember("failureMessage", statement.optionalText(4))
      }
    }
  }

  // MARK: - Consumers

  mutating func consumers() throws {
    let consumers = try SQLStatement(db, "SELECT name, scope, events, time FROM consumers ORDER BY id")
    while try consumers.step() {
      try line("consumer") {
        $0.writeJSONMember("consumer", consumers.text(0))
        $0.writeJSONMember("scope", consumers.text(1))
        $0.writeJSONMember("events", rawJSON: consumers.buffer(2))
        $0.writeJSONMember("time", consumers.integer(3))
      }
    }
    try perWorkspace("position", "p.offset FROM positions p") { $0.writeJSONMember("offset", $1.integer(3)) }
    try perWorkspace("parked", "p.offset, p.deliveries, p.time, \(JournalSchema.parkedColumns(db)) FROM parked p") {
      $0.writeJSONMember("offset", $1.integer(3))
      $0.writeJSONMember("deliveries", $1.integer(4))
      $0.writeJSONMember("time", $1.integer(5))
      if let reason = $1.optionalText(6) { $0.writeJSONMember("reason", reason) }
      if $1.integer(7) != 0 { $0.writeJSONMember("again", $1.integer(7)) }
    }
  }

  private mutating func perWorkspace(
    _ type: String, _ columns: String, _ write: (inout ByteBuffer, SQLStatement) -> Void
  ) throws {
    let statement = try SQLStatement(
      db,
      """
      SELECT c.name, c.scope, w.name, \(columns) JOIN consumers c ON c.id = p.consumer
      JOIN workspaces w ON w.id = p.workspace ORDER BY c.id, w.id, p.offset
      """)
    while try statement.step() {
      try line(type) {
        $0.writeJSONMember("consumer", statement.text(0))
        $0.writeJSONMember("scope", statement.text(1))
        $0.writeJSONMember("workspace", statement.text(2))
        write(&$0, statement)
      }
    }
  }

  /// An unreadable line is worse than a failed export.
  private func check(_ json: ByteBuffer, _ what: String, _ workspace: WorkspaceLine) throws {
    guard let problem = json.jsonProblem else { return }
    throw DatabaseError(
      resultCode: .SQLITE_CORRUPT, message: "\(what) of workspace \(workspace.name) is not JSON: \(problem)")
  }
}

extension JournalEntry {
  /// The event as a line of JSON.
  package var json: ByteBuffer {
    var buffer = ByteBuffer()
    buffer.beginJSONObject()
    buffer.writeJSONMembers(of: record, in: workspace.text)
    buffer.endJSONObject()
    return buffer
  }
}

extension ByteBuffer {
  fileprivate mutating func writeJSONMembers(of record: JournalRecord, in workspace: String) {
    writeJSONMember("workspace", workspace)
    writeJSONMember("offset", Int64(record.offset))
    writeJSONMember("time", record.time)
    writeJSONMember("event", record.event)
    writeJSONMember("data", rawJSON: record.data)
    if !record.kind.utf8.isEmpty { writeJSONMember("kind", record.kind) }
    if record.detail.readableBytes > 0 { writeJSONMember("detail", rawJSON: record.detail) }
  }

  fileprivate mutating func writeJSONMember(_ name: StaticString, rawJSON: ByteBuffer) {
    writeJSONMember(name) { $0.writeImmutableBuffer(rawJSON) }
  }
}
