import CasebusJournal
import GRDB
import Logging
import Synchronization

/// Whether the file takes what it is given.
final class HealthRecord: Sendable {
  private let file: String
  private let logger: Logger
  private let record = Mutex(JournalHealth.available)
  /// The failure of a read that was logged last; a broken file fails again and again.
  private let loggedRead = Mutex<String?>(nil)

  init(file: String, logger: Logger) {
    self.file = file
    self.logger = logger
  }

  var value: JournalHealth { record.withLock { $0 } }

  /// - Returns: what to say to those whose batches failed. Only the log names the file.
  func failed(_ error: any Error) -> String {
    let reason = JournalError(storage: error).description
    let old = record.withLock { record in
      defer { record = .unavailable(reason) }
      return record
    }
    if old == .available {
      logger.error("the journal fails, nothing is taken until it works again: \(file): \(reason)")
    }
    return reason
  }

  /// - Returns: what to say to whoever wanted to read. Only the log names the file.
  func readFailed(_ error: any Error) -> JournalError {
    let error = JournalError(storage: error)
    guard case .unavailable(let reason) = error else { return error }
    let isNew = loggedRead.withLock { logged in
      defer { logged = reason }
      return logged != reason
    }
    if isNew { logger.error("the journal cannot be read: \(file): \(reason)") }
    return error
  }

  func recovered() {
    record.withLock { $0 = .available }
    logger.notice("the journal works again: \(file)")
  }
}

extension JournalError {
  /// What the storage said. Clients are told it, so it names no files.
  init(storage error: any Error) {
    switch error {
    case let error as JournalError: self = error
    case let error as DatabaseError: self = .unavailable("\(error.text)\(error.resultCode.advice)")
    case let error as JournalFileError: self = .unavailable(error.reasonWithoutPath)
    case let error: self = .unavailable("the storage failed (\(type(of: error)))")
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
