package import CasebusJournal
package import CasebusProtocol
import GRDB

/// Reads a journal's file, also while a broker writes to it.
package final class JournalInspection: Sendable {
  package let file: String
  let files: JournalFiles
  private let queue: DatabaseQueue

  /// - Throws: ``JournalFileError`` if there is no journal, or one that this version cannot read.
  package init(directory: String) throws(JournalFileError) {
    files = JournalFiles(directory: directory)
    file = files.database
    guard files.hasDatabase else { throw .missing(file: files.database) }
    try files.checkHeader()
    do {
      var configuration = Configuration()
      configuration.readonly = true
      configuration.busyMode = .timeout(5)
      queue = try DatabaseQueue(path: file, configuration: configuration)
      try queue.read { try JournalSchema.Identity($0) }.check(file, mayBeNew: false)
    } catch {
      throw JournalFileError(error, at: files.database)
    }
  }

  /// Reads from one state of the database.
  func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
    do {
      return try queue.read(body)
    } catch let error as DatabaseError {
      throw JournalFileError(error, at: file)
    }
  }

  /// A number that changes when another connection commits.
  package func version() throws -> Int {
    try queue.unsafeRead { try Int.fetchOne($0, sql: "PRAGMA data_version") ?? 0 }
  }
}

/// A record and its workspace.
package struct JournalEntry: Sendable {
  package var workspace: WorkspaceID
  package var record: JournalRecord
}

extension JournalInspection {
  /// The newest record of each workspace, or of one.
  package func ends(of workspace: WorkspaceID?) throws -> [WorkspaceID: JournalOffset] {
    let lines = try read { try WorkspaceLine.all($0, named: workspace) }
    return try lines.reduce(into: [:]) { try $0[WorkspaceID(journaled: $1.name)] = $1.last }
  }

  /// The records after an offset, or from the oldest one on.
  package func entries(of workspace: WorkspaceID, after offset: JournalOffset, limit: Int) throws -> [JournalEntry] {
    try read { db in
      let reader = JournalReader(db, kindColumn: try JournalSchema.kindColumn(db))
      let start = max(offset, try reader.row(of: workspace)?.pruned ?? 0)
      return try reader.records(of: workspace, after: start, limit: limit, bytesMax: .max)
    }.map { JournalEntry(workspace: workspace, record: $0) }
  }
}

/// A workspace's row, and the range of its records.
struct WorkspaceLine {
  var id: Int64
  var name: String
  var pruned: JournalOffset
  var last: JournalOffset
  var deadline: Int64?
  var generation: Int64
  var snapshot: JournalOffset?

  static func all(_ db: Database, named name: WorkspaceID? = nil) throws -> [WorkspaceLine] {
    let statement = try SQLStatement(
      db,
      """
      SELECT w.id, w.name, w.pruned, max(w.pruned, \(StreamEnd.newestOffset)), w.deadline, s.offset,
        \(JournalSchema.generationColumn(db))
      FROM workspaces w LEFT JOIN snapshots s ON s.workspace = w.id WHERE ?1 IS NULL OR w.name = ?1 ORDER BY w.id
      """)
    try statement.bind(1, name?.text)
    var lines: [WorkspaceLine] = []
    while try statement.step() {
      lines.append(
        WorkspaceLine(
          id: statement.integer(0), name: statement.text(1), pruned: statement.offset(2), last: statement.offset(3),
          deadline: statement.optionalInteger(4), generation: statement.integer(6),
          snapshot: statement.isNull(5) ? nil : statement.offset(5)))
    }
    return lines
  }

  /// How many records it should have.
  var count: UInt64 { last - min(pruned, last) }
}
