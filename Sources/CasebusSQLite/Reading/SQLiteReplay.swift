import CasebusJournal
import CasebusProtocol

/// Reads the records after an offset, and protects them from pruning as long as it exists.
final class SQLiteReplay: JournalReplay {
  private let workspace: WorkspaceID
  private let start: JournalOffset
  private let journal: SQLiteJournal
  private let holds: StreamHolds
  /// The offset up to which records were deleted when the replay began; nil if that was not known.
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
