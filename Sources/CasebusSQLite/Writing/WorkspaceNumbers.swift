import GRDB

/// Which number a new workspace gets: the next one, or when all were given, one that a forgotten workspace had.
///
/// Used on the writer's queue only.
struct WorkspaceNumbers {
  private let max: Int64
  /// Numbers that were free when the last sweep looked.
  private var free: [ClosedRange<Int64>] = []

  init(max: Int64) {
    self.max = max
  }

  /// - Returns: nil if no number is known to be free.
  mutating func next(_ db: Database) throws -> Int64? {
    let statement = try SQLStatement(db, "SELECT ifnull(max(id), 0) FROM workspaces")
    _ = try statement.step()
    let newest = statement.integer(0)
    statement.reset()
    if newest < max { return newest + 1 }
    while let range = free.popLast() {
      if range.lowerBound < range.upperBound { free.append(range.lowerBound + 1...range.upperBound) }
      if try isFree(range.lowerBound, db) { return range.lowerBound }
    }
    return nil
  }

  /// A sweep has seen all workspaces. Looking for free numbers when one is needed would take the writer some seconds in a
  /// file that has millions of workspaces.
  mutating func set(free ranges: [ClosedRange<Int64>]) {
    free = ranges
  }

  /// One may have been given since the sweep was there.
  private func isFree(_ number: Int64, _ db: Database) throws -> Bool {
    let statement = try SQLStatement(db, "SELECT 1 FROM workspaces WHERE id = ?")
    try statement.bind(1, number)
    defer { statement.reset() }
    return try !statement.step()
  }
}
