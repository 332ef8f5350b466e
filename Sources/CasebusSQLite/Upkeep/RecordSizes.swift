import CasebusJournal
import GRDB

/// The bytes of a workspace's records, without reading them.
struct RecordSizes {
  private let workspace: Int64
  private let total: SQLStatement
  private let before: SQLStatement

  init(_ db: Database, of workspace: Int64) throws {
    self.workspace = workspace
    total = try SQLStatement(db, "SELECT total FROM events WHERE id = ?")
    before = try SQLStatement(
      db,
      """
      SELECT total - length(CAST(event AS BLOB)) - length(CAST(data AS BLOB)) - ifnull(length(CAST(detail AS BLOB)), 0)
      FROM events WHERE id = ?
      """)
  }

  /// The bytes of all records up to this one; nil if it does not exist or is of an older schema.
  func total(_ offset: JournalOffset) throws -> Int64? { try integer(total, offset) }

  /// The bytes of all records before this one; 0 if it is of an older schema.
  func totalBefore(_ offset: JournalOffset) throws -> Int64? { try integer(before, offset) ?? 0 }

  private func integer(_ statement: SQLStatement, _ offset: JournalOffset) throws -> Int64? {
    try statement.bind(1, RecordID.make(workspace, offset))
    guard try statement.step() else { return nil }
    defer { statement.reset() }
    return statement.optionalInteger(0)
  }
}
