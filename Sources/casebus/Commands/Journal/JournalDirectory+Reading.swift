import CasebusConsole
import CasebusSQLite
import FoundationEssentials

extension JournalDirectory {
  /// Runs a function that reads the journal.
  /// - Throws: ``CommandFailure`` with the reason in plain words.
  func read<Value>(_ body: (JournalInspection) throws -> Value) throws -> Value {
    try reading { try body(JournalInspection(directory: data)) }
  }

  /// - Throws: ``CommandFailure`` with the reason in plain words.
  func reading<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as JournalFileError {
      throw CommandFailure("\(error)")
    }
  }
}

/// Prints the progress of a long task on standard error, about once per second.
final class ProgressLine {
  private let clock = ContinuousClock()
  private var next: ContinuousClock.Instant
  private var work = ""

  init() {
    next = clock.now
  }

  /// - Parameter total: 0 if it is unknown.
  func report(_ work: String, _ done: UInt64, _ total: UInt64) {
    guard work != self.work || clock.now >= next || (done == total && total > 0) else { return }
    self.work = work
    next = clock.now.advanced(by: .seconds(1))
    let amount = total == 0 ? "\(done)" : "\(done) of \(total) (\(done * 100 / total) %)"
    printError(done == 0 && total == 0 ? "\(work) …" : "\(work): \(amount)")
  }
}

extension Int64 {
  /// Milliseconds since 1970 as a date for people.
  var timeText: String {
    Date(timeIntervalSince1970: Double(self) / 1000).formatted(.iso8601)
  }

  /// A number of bytes for people.
  var bytesText: String {
    switch self {
    case ..<1024: "\(self) bytes"
    case ..<(1 << 20): "\(self >> 10) KiB"
    case _: "\(self >> 20) MiB"
    }
  }
}
