import ArgumentParser

/// A number of the command line has a lowest and a highest value: one near 2^63 would end the process where something is
/// added to it. The help of its option says both; Tests/SocketTests/test_numbers.py compares.
package func checkRange<Number: Comparable>(_ option: String, _ value: Number, _ range: ClosedRange<Number>) throws {
  guard !range.contains(value) else { return }
  throw ValidationError("\(option) is \(value), expected \(range.lowerBound) to \(range.upperBound)")
}

extension ClosedRange<Int> {
  /// For a timer of a connection: a day.
  package static var timerSeconds: ClosedRange { 1...86_400 }
  /// For a message that is kept whole in memory: 1 GiB.
  package static var messageBytes: ClosedRange { 1...1_073_741_824 }
  /// For the state of a workspace, which is answered in one message: 512 MiB.
  package static var stateBytes: ClosedRange { 1...536_870_912 }
  /// For memory over all: 1 TiB.
  package static var totalBytes: ClosedRange { 1...1_099_511_627_776 }
  /// For how many there may be of something that takes memory.
  package static var count: ClosedRange { 1...10_000_000 }
}

extension ClosedRange<UInt64> {
  /// For a number of events: as many as a journal can number (`journalOffsetMax`).
  package static var events: ClosedRange { 1...1_099_511_627_775 }
}
