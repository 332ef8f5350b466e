import CasebusJournal
import GRDB
import Logging
import Synchronization

/// Whether the file takes what it is given.
final class HealthRecord: Sendable {
  private let file: String
  private let logger: Logger
  private let record = Mutex(JournalHealth.available)

  init(file: String, logger: Logger) {
    self.file = file
    self.logger = logger
  }

  var value: JournalHealth { record.withLock { $0 } }

  /// - Returns: what to say to those whose batches failed.
  func failed(_ error: any Error) -> String {
    let reason = JournalError(error, file: file).description
    let old = record.withLock { record in
      defer { record = .unavailable(reason) }
      return record
    }
    if old == .available { logger.error("the journal fails, nothing is taken until it works again: \(reason)") }
    return reason
  }

  func recovered() {
    record.withLock { $0 = .available }
    logger.notice("the journal works again: \(file)")
  }
}

extension JournalError {
  /// What the storage said, with the name of the file.
  init(_ error: any Error, file: String) {
    switch error {
    case let error as JournalError: self = error
    case let error as DatabaseError: self = .unavailable("\(file): \(error.text)\(error.resultCode.advice)")
    case let error: self = .unavailable("\(file): \(error)")
    }
  }
}

extension ResultCode {
  /// What the operator should do.
  fileprivate var advice: String {
    switch self {
    case .SQLITE_FULL: "; make room on the disk"
    case .SQLITE_CORRUPT, .SQLITE_NOTADB: "; see casebus journal verify"
    case .SQLITE_BUSY, .SQLITE_LOCKED: "; another program has it locked"
    case _: ""
    }
  }
}
