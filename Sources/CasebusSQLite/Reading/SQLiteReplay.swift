import CasebusJournal
import CasebusProtocol

/// Reads the records after an offset, and keeps them from being pruned until it is forgotten.
final class SQLiteReplay: JournalReplay {
  private let workspace: WorkspaceID
  private let start: JournalOffset
  private let journal: SQLiteJournal
  private let holds: StreamHolds
  /// Up to where the records were gone when it began; nil if that was not known.
  let pruned: JournalOffset?

  init(workspace: WorkspaceID, after offset: JournalOffset, journal: SQLiteJournal, holds: StreamHolds) {
    self.workspace = workspace
    start = offset
    self.journal = journal
    self.holds = holds
    pruned = holds.hold(workspace, after: offset)
  }

  deinit {
    holds.release(workspace, after: start)
  }

  func read(
    after offset: JournalOffset, limit: Int, bytesMax: Int,
    completion: @escaping @Sendable (Result<[JournalRecord], JournalError>) -> Void
  ) {
    journal.read(completion) { [self] db in
      try JournalReader(db).records(of: workspace, after: offset, limit: limit, bytesMax: bytesMax)
    }
  }
}
