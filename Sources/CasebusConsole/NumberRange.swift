import ArgumentParser

/// The range of a number of the command line: without it a number near 2^63 would end the process in an addition. The
/// help of its option has both ends; Tests/SocketTests/test_numbers.py compares.
package func checkRange<Number: Comparable>(_ option: String, _ value: Number, _ range: ClosedRange<Number>) throws {
  guard !range.contains(value) else { return }
  throw ValidationError("\(option) is \(value), expected \(range.lowerBound) to \(range.upperBound)")
}

extension ClosedRange<Int> {
  /// For a timer of a connection: a day.
  package static var timerSeconds: ClosedRange { 1...86_400 }
  /// For a message, which is in memory as a whole: 1 GiB.
  package static var messageBytes: ClosedRange { 1...1_073_741_824 }
  /// For the state of a workspace, which is one answer: 512 MiB.
  package static var stateBytes: ClosedRange { 1...536_870_912 }
  /// For sums of memory: 1 TiB.
  package static var totalBytes: ClosedRange { 1...1_099_511_627_776 }
  /// For a number of things that take memory.
  package static var count: ClosedRange { 1...10_000_000 }
}

extension ClosedRange<UInt64> {
  /// For a number of events: as many as a journal can number (`journalOffsetMax`).
  package static var events: ClosedRange { 1...1_099_511_627_775 }
}
