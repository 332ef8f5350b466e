import GRDB

/// Which number a new workspace gets: the next one, or when all were given, one that a forgotten workspace had.
///
/// Used on the writer's queue only.
struct WorkspaceNumbers {
  private let max: Int64
  /// Numbers below the greatest one that are free; nil if they were not looked for.
  private var free: [ClosedRange<Int64>]?

  init(max: Int64) {
    self.max = max
  }

  /// - Returns: nil if all numbers are in use.
  mutating func next(_ db: Database) throws -> Int64? {
    let statement = try SQLStatement(db, "SELECT ifnull(max(id), 0) FROM workspaces")
    _ = try statement.step()
    let newest = statement.integer(0)
    statement.reset()
    if newest < max { return newest + 1 }
    if free == nil { free = try gaps(db) }
    while let range = free?.popLast() {
      if range.lowerBound < range.upperBound { free?.append(range.lowerBound + 1...range.upperBound) }
      if try isFree(range.lowerBound, db) { return range.lowerBound }
    }
    return nil
  }

  /// One that was freed may have been given again because it was the one after the greatest.
  private func isFree(_ number: Int64, _ db: Database) throws -> Bool {
    let statement = try SQLStatement(db, "SELECT 1 FROM workspaces WHERE id = ?")
    try statement.bind(1, number)
    defer { statement.reset() }
    return try !statement.step()
  }

  /// These workspaces are gone.
  mutating func wereFreed(_ ids: [Int64]) {
    free?.append(contentsOf: ids.map { $0...$0 })
  }

  /// A transaction came to nothing: what it took is free again.
  mutating func forget() {
    free = nil
  }

  /// Goes through all workspaces once: 8 million take some seconds, in a file that is full when it is opened.
  private func gaps(_ db: Database) throws -> [ClosedRange<Int64>] {
    let statement = try SQLStatement(
      db,
      """
      SELECT w.id + 1, (SELECT min(id) FROM workspaces WHERE id > w.id) - 1
      FROM (SELECT 0 AS id UNION ALL SELECT id FROM workspaces) w
      WHERE w.id < ? AND NOT EXISTS (SELECT 1 FROM workspaces WHERE id = w.id + 1) LIMIT 10000
      """)
    try statement.bind(1, max)
    var gaps: [ClosedRange<Int64>] = []
    while try statement.step() { gaps.append(statement.integer(0)...statement.integer(1)) }
    return gaps
  }
}
