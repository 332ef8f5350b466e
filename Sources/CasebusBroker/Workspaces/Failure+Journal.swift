import CasebusJournal
import CasebusProtocol

extension Failure {
  /// What those are told whose commands the journal did not take.
  init(notCommitted error: JournalError) {
    let code: ErrorCode =
      switch error {
      case .limitReached: .limitExceeded
      case .conflict, .pruned, .unavailable: .journalUnavailable
      }
    self.init(code, "the journal could not commit, nothing was changed: \(error)")
  }
}
