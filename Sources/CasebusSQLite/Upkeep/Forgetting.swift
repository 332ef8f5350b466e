import CasebusJournal
import CasebusProtocol
import GRDB

/// Deletes the rows of workspaces that have nothing left, so that names that were used once do not use up the numbers
/// of a file.
struct Forgetting: Sendable {
  let pool: DatabasePool
  let writer: JournalWriter
  let holds: StreamHolds

  private struct Candidate: Sendable {
    var number: Int64
    var name: WorkspaceID
  }

  /// Checks the workspaces in a range of numbers.
  /// - Returns: the numbers that became free.
  func run(after first: Int64, through last: Int64) async throws -> [Int64] {
    let candidates = try await pool.read { try Self.candidates($0, after: first, through: last) }
    guard !candidates.isEmpty else { return [] }
    let names = holds.beginForgetting(candidates.map(\.name))
    defer { holds.endForgetting(names) }
    let unused = candidates.filter { Set(names).contains($0.name) }
    guard !unused.isEmpty else { return [] }
    try await writer.transaction { try Self.forget(unused, $0) }
    // Before they can be opened again.
    for workspace in unused { writer.forget(workspace.name) }
    return unused.map(\.number)
  }

  /// The conditions: no events, no answers, no deadline, no state, and no consumer of its own, whose position the
  /// broker knows also while the workspace is evicted. A consumer of all workspaces begins with the first event of the
  /// new workspace.
  private static let isForgettable = """
    w.deadline IS NULL
    AND NOT EXISTS (SELECT 1 FROM events WHERE id > w.id << 40 AND id <= w.id << 40 | 1099511627775)
    AND ifnull((SELECT isEmpty FROM snapshots WHERE workspace = w.id), w.pruned = 0)
    AND NOT EXISTS (SELECT 1 FROM receipts WHERE workspace = w.id)
    AND NOT EXISTS (SELECT 1 FROM consumers WHERE scope = w.name)
    """

  private static func candidates(
    _ db: Database, after first: Int64, through last: Int64
  ) throws -> [Candidate] {
    let statement = try SQLStatement(
      db, "SELECT w.id, w.name FROM workspaces w WHERE w.id > ? AND w.id <= ? AND \(isForgettable)")
    try statement.bind(1, first)
    try statement.bind(2, last)
    var candidates: [Candidate] = []
    while try statement.step() {
      candidates.append(
        Candidate(number: statement.integer(0), name: try WorkspaceID(journaled: statement.text(1))))
    }
    return candidates
  }

  /// A forgotten workspace that is used again has a new generation.
  private static func forget(_ workspaces: [Candidate], _ db: Database) throws {
    try StreamEpoch.set(generation: StreamEpoch.generation(db) + 1, db)
    for workspace in workspaces {
      try db.cachedStatement(
        sql: "DELETE FROM workspaces AS w WHERE w.id = ? AND w.name = ? AND \(isForgettable)"
      ).execute(arguments: [workspace.number, workspace.name.text])
      guard db.changesCount == 1 else { continue }
      for table in ["snapshots", "positions", "parked"] {
        try db.cachedStatement(sql: "DELETE FROM \(table) WHERE workspace = ?").execute(arguments: [workspace.number])
      }
    }
  }
}
