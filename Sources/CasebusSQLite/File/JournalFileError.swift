import GRDB

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Why a journal on disk was not opened. Its files were not changed.
package enum JournalFileError: Error, Hashable, Sendable {
  /// Another broker has it open; `process` is its pid, if the lock file says so.
  case inUse(lock: String, process: Int?)
  /// The file is not a journal.
  case notAJournal(file: String, reason: String)
  /// A newer Casebus wrote it.
  case newerSchema(file: String, found: Int, known: Int)
  case damaged(file: String, reason: String)
  case noAccess(path: String, reason: String)
  /// Other users could read or change the file, or it is a link.
  case unsafe(path: String, reason: String)
  case diskFull(path: String)
  /// A file exists already and would be lost.
  case notEmpty(file: String)
  case missing(file: String)
  case failed(path: String, reason: String)
}

extension JournalFileError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .inUse(let lock, let process):
      "\(lock) is locked by another broker\(process.map { " (pid \($0))" } ?? ""): stop that one, or choose another --data"
    case .notAJournal(let file, let reason):
      "\(file) is not a Casebus journal (\(reason)); it was left as it is: choose another --data, or move it away"
    case .newerSchema(let file, let found, let known):
      "\(file) was written by a newer Casebus (schema \(found), this one knows \(known)); it was left as it is: run that version"
    case .damaged(let file, let reason):
      "\(file) is damaged (\(reason)); it was left as it is: see what can be read with casebus journal verify, "
        + "bring back a backup, or move it away to begin anew"
    case .noAccess(let path, let reason):
      "\(path) cannot be used: \(reason); it has to be readable and writable for the broker's user"
    case .unsafe(let path, let reason): "\(path) is not safe to use: \(reason)"
    case .diskFull(let path): "\(path) cannot be written: the disk is full; make room on it"
    case .notEmpty(let file): "\(file) is there already: choose an empty --data"
    case .missing(let file): "there is no journal at \(file): is --data right?"
    case .failed(let path, let reason): "\(path) cannot be opened: \(reason)"
    }
  }
}

extension JournalFileError {
  /// The fault without the path, for those who must not know where the files are.
  var reasonWithoutPath: String {
    switch self {
    case .inUse: "the journal is locked by another broker"
    case .notAJournal(_, let reason), .damaged(_, let reason), .noAccess(_, let reason), .unsafe(_, let reason),
      .failed(_, let reason):
      reason
    case .newerSchema: "the journal was written by a newer Casebus"
    case .diskFull: "the disk is full; make room on it"
    case .notEmpty: "there is a journal already"
    case .missing: "there is no journal"
    }
  }

  /// The system's error.
  init(_ code: CInt, at path: String) {
    let reason = String(cString: strerror(code))
    self =
      switch code {
      case EACCES, EPERM, EROFS: .noAccess(path: path, reason: reason)
      case ENOSPC, EDQUOT: .diskFull(path: path)
      case ELOOP: .unsafe(path: path, reason: "it is a symbolic link, expected a file of the broker's own: remove it")
      case _: .failed(path: path, reason: reason)
      }
  }

  /// SQLite's error.
  init(_ error: any Error, at path: String) {
    if let error = error as? JournalFileError {
      self = error
    } else if let error = error as? DatabaseError {
      self.init(error, at: path)
    } else {
      self = .failed(path: path, reason: "\(error)")
    }
  }

  private init(_ error: DatabaseError, at path: String) {
    let reason = error.text
    self =
      switch error.resultCode {
      case .SQLITE_NOTADB: .notAJournal(file: path, reason: reason)
      case .SQLITE_CORRUPT: .damaged(file: path, reason: reason)
      case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH: .noAccess(path: path, reason: reason)
      case .SQLITE_FULL: .diskFull(path: path)
      case _: .failed(path: path, reason: reason)
      }
  }
}

extension DatabaseError {
  /// The message and SQLite's number for it, such as "disk I/O error (SQLite 778)".
  var text: String { "\(message ?? "no message") (SQLite \(extendedResultCode.rawValue))" }
}
