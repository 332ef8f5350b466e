import CasebusJournal
import CasebusProtocol
import GRDB

/// SQLite refused what one workspace has, not because the storage fails: the others' parts can be committed without it.
struct PartError: Error {
  var workspace: WorkspaceID
  var reason: JournalError

  /// Runs the body, and says of its errors whose they are.
  static func attributing(to workspace: WorkspaceID, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as DatabaseError {
      guard let reason = JournalError(ofPart: error) else { throw error }
      throw PartError(workspace: workspace, reason: reason)
    }
  }
}

extension JournalError {
  /// nil if the error may be everybody's.
  fileprivate init?(ofPart error: DatabaseError) {
    switch error.resultCode {
    case .SQLITE_TOOBIG: self = .limitReached("a value is longer than SQLite takes")
    case .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_RANGE: self = .unavailable(error.text)
    case _: return nil
    }
  }
}
