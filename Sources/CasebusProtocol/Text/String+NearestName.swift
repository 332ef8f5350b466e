/// Finds the known name that a misspelled one probably means.
extension String {
  /// Longer names are compared with nothing, so that the work has a bound.
  private static var comparedBytesMax: Int { 64 }

  /// The name that becomes this text with the fewest changes: bytes that are put in, left out, replaced, or exchanged with
  /// their neighbor.
  /// - Returns: the first of the nearest ones; nil if all need more than one change for each six bytes, or more than three.
  package func nearest(among names: some Sequence<String>) -> String? {
    guard utf8.count <= Self.comparedBytesMax else { return nil }
    let bytes = Array(utf8)
    var nearest: String?
    var changesMax = Swift.min(3, bytes.count / 6)
    for name in names where abs(name.utf8.count - bytes.count) <= changesMax {
      let changes = Self.changes(from: bytes, to: Array(name.utf8))
      guard changes < changesMax || (changes == changesMax && nearest == nil) else { continue }
      (nearest, changesMax) = (name, changes)
    }
    return nearest
  }

  /// The optimal string alignment distance, row by row.
  private static func changes(from left: [UInt8], to right: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for (i, byte) in left.enumerated() {
      var row = [i + 1]
      for (j, other) in right.enumerated() {
        var changes = Swift.min(last[j + 1] + 1, row[j] + 1, last[j] + (byte == other ? 0 : 1))
        if i > 0, j > 0, byte == right[j - 1], left[i - 1] == other {
          changes = Swift.min(changes, beforeLast[j - 1] + 1)
        }
        row.append(changes)
      }
      (beforeLast, last) = (last, row)
    }
    return last[right.count]
  }
}
