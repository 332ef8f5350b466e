import CasebusJournal
import CasebusProtocol
import GRDB
import struct NIOCore.ByteBuffer

/// The progress of a long task: what it does, how much is done, and how much there is.
package typealias JournalProgress = (_ work: String, _ done: UInt64, _ total: UInt64) -> Void

extension JournalInspection {
  /// Checks all rules of a journal.
  /// - Returns: the faults, one line each; empty if there are none.
  package func verify(progress: JournalProgress) throws -> [String] {
    try read { db in
      var verification = Verification(db: db, lines: try WorkspaceLine.all(db))
      try verification.pages(progress)
      try verification.records(progress)
      try verification.others()
      return verification.findings
    }
  }
}

/// The state of one check.
private struct Verification {
  let db: Database
  let lines: [WorkspaceLine]
  private(set) var findings: [String] = []
  /// The most faults that are listed, because a damaged file can have any number.
  private static var findingsMax: Int { 1000 }

  init(db: Database, lines: [WorkspaceLine]) {
    self.db = db
    self.lines = lines
  }

  private mutating func find(_ finding: String) {
    if findings.count < Self.findingsMax { findings.append(finding) }
  }

  /// SQLite's own check of its pages.
  mutating func pages(_ progress: JournalProgress) throws {
    progress("checking the pages of the file", 0, 0)
    for line in try String.fetchAll(db, sql: "PRAGMA integrity_check(100)") where line != "ok" {
      find("the file is damaged: \(line)")
    }
  }

  // MARK: - Records

  mutating func records(_ progress: JournalProgress) throws {
    let streams = Dictionary(uniqueKeysWithValues: lines.map { ($0.id, $0) })
    let total = lines.reduce(0) { $0 + $1.count }
    let statement = try SQLStatement(
      db,
      """
      SELECT id, time, event, data, detail, \(JournalSchema.kindColumn(db)), \(JournalSchema.totalColumn(db)) FROM events
      ORDER BY id
      """)
    // `total` is not known before the first record.
    var current: (id: Int64, last: UInt64, isKnown: Bool, total: Int64?) = (-1, 0, false, nil)
    var done: UInt64 = 0
    while try statement.step() {
      let id = RecordID.workspace(of: statement.integer(0))
      if id != current.id {
        current = (id, streams[id]?.pruned ?? 0, streams[id] != nil, nil)
        if !current.isKnown { find("there are events of workspace number \(id), which is not there") }
      }
      let record = JournalRecord(statement)
      if current.isKnown { check(record, after: current.last, of: streams[id]!.name) }
      if current.isKnown, let total = current.total {
        check(statement.optionalInteger(6), of: record, after: total, streams[id]!.name)
      }
      (current.last, current.total) = (record.offset, statement.optionalInteger(6) ?? 0)
      done += 1
      if done % 10_000 == 0 { progress("checking events", done, total) }
    }
    progress("checking events", done, total)
  }

  private mutating func check(_ record: JournalRecord, after last: UInt64, of workspace: String) {
    let place = "workspace \(workspace), event \(record.offset)"
    if record.offset != last + 1 { find("\(place): it follows \(last), expected \(last + 1)") }
    if record.event.isEmpty { find("\(place): it has no name") }
    if let problem = record.data.jsonProblem { find("\(place): its data is not JSON: \(problem)") }
    guard record.detail.readableBytes > 0 else { return }
    if let problem = record.detail.jsonProblem { find("\(place): its detail is not JSON: \(problem)") }
  }

  private mutating func check(
    _ total: Int64?, of record: JournalRecord, after last: Int64, _ workspace: String
  ) {
    guard let total, total != last + Int64(record.storedBytes) else { return }
    find(
      "workspace \(workspace), event \(record.offset): its total is \(total), expected \(last + Int64(record.storedBytes))"
    )
  }

  // MARK: - Everything else

  mutating func others() throws {
    for line in lines { try check(line) }
    for (query, finding) in Self.orphans {
      for text in try String.fetchAll(db, sql: query) { find("\(finding): \(text)") }
    }
    for consumer in try Int64.fetchAll(db, sql: "SELECT id FROM consumers") { try checkConsumer(consumer) }
    try checkPositions()
  }

  private mutating func check(_ line: WorkspaceLine) throws {
    if WorkspaceID(line.name) == nil { find("\"\(line.name)\" is not the name of a workspace") }
    guard let snapshot = line.snapshot else {
      if line.pruned > 0 {
        find("workspace \(line.name): events up to \(line.pruned) are gone and there is no snapshot")
      }
      return
    }
    if snapshot > line.last || snapshot < line.pruned {
      find("workspace \(line.name): its snapshot is of event \(snapshot), expected \(line.pruned) to \(line.last)")
    }
    let statement = try SQLStatement(db, "SELECT state FROM snapshots WHERE workspace = ?")
    try statement.bind(1, line.id)
    defer { statement.reset() }
    if try statement.step(), let problem = statement.buffer(0).jsonProblem {
      find("workspace \(line.name): its snapshot is not JSON: \(problem)")
    }
  }

  private mutating func checkConsumer(_ id: Int64) throws {
    let statement = try SQLStatement(db, "SELECT name, scope, events, time FROM consumers WHERE id = ?")
    try statement.bind(1, id)
    defer { statement.reset() }
    guard try statement.step() else { return }
    do {
      _ = try JournalConsumer(statement)
    } catch {
      find("consumer number \(id) cannot be read: \(error)")
    }
  }

  private mutating func checkPositions() throws {
    let last = Dictionary(uniqueKeysWithValues: lines.map { ($0.id, $0) })
    let statement = try SQLStatement(
      db, "SELECT c.name, p.workspace, p.offset FROM positions p JOIN consumers c ON c.id = p.consumer")
    while try statement.step() {
      guard let line = last[statement.integer(1)], statement.integer(2) < 0 || statement.offset(2) > line.last
      else { continue }
      find(
        "consumer \(statement.text(0)), workspace \(line.name): its position is \(statement.integer(2)), "
          + "the newest event is \(line.last)")
    }
  }

  private static let orphans = [
    (
      "SELECT DISTINCT workspace FROM receipts WHERE workspace NOT IN (SELECT id FROM workspaces) LIMIT 10",
      "there are answers of a workspace that is not there, its number"
    ),
    (
      "SELECT workspace FROM snapshots WHERE workspace NOT IN (SELECT id FROM workspaces) LIMIT 10",
      "there is a snapshot of a workspace that is not there, its number"
    ),
    (
      """
      SELECT consumer || ' in ' || workspace FROM positions
      WHERE consumer NOT IN (SELECT id FROM consumers) OR workspace NOT IN (SELECT id FROM workspaces) LIMIT 10
      """, "there is a position of a consumer or in a workspace that is not there, their numbers"
    ),
    (
      """
      SELECT consumer || ' in ' || workspace FROM parked
      WHERE consumer NOT IN (SELECT id FROM consumers) OR workspace NOT IN (SELECT id FROM workspaces) LIMIT 10
      """, "there is a parked event of a consumer or in a workspace that is not there, their numbers"
    ),
  ]
}

extension ByteBuffer {
  /// Why a text is not JSON; nil if it is.
  var jsonProblem: String? {
    do throws(JSONError) {
      _ = try JSONValue(parsing: self, limits: .journaled)
      return nil
    } catch {
      return "\(error)"
    }
  }
}

extension JSONLimits {
  /// Wider limits than for messages: a state is much larger than a message, and its parts were checked on receipt.
  static let journaled = JSONLimits(depthMax: 64, keysMax: 10_000_000)
}
