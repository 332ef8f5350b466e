import CasebusJournal
import CasebusProtocol
import Synchronization

/// A journal in memory that behaves as one on a disk: what is closed is still there, and it fails when the test says so.
final class LastingJournal: EventJournal {
  private let memory: MemoryJournal
  private let state = Mutex(State())

  private struct State {
    var failure: JournalError?
    var opened = 0
    var backlogReads = 0
    var snapshots: [JournalOffset] = []
  }

  init(recordsPerWorkspaceMax: Int = 10_000) {
    memory = MemoryJournal(recordsPerWorkspaceMax: recordsPerWorkspaceMax)
  }

  /// What everything fails with; nil while it works.
  var failure: JournalError? {
    get { state.withLock { $0.failure } }
    set { state.withLock { $0.failure = newValue } }
  }

  /// How often a workspace was opened.
  var opened: Int { state.withLock { $0.opened } }

  /// How often backlogs of consumers were read.
  var backlogReads: Int { state.withLock { $0.backlogReads } }

  /// The offsets of the snapshots that were appended.
  var snapshots: [JournalOffset] { state.withLock { $0.snapshots } }

  var health: JournalHealth { failure.map { .unavailable("\($0)") } ?? .available }

  func append(_ batch: JournalBatch, completion: @escaping @Sendable (Result<JournalCommit, JournalError>) -> Void) {
    if let failure { return completion(.failure(failure)) }
    state.withLock { $0.snapshots += batch.parts.values.compactMap { $0.snapshot?.offset } }
    memory.append(batch, completion: completion)
  }

  func open(
    _ workspace: WorkspaceID, completion: @escaping @Sendable (Result<JournalStream, JournalError>) -> Void
  ) {
    state.withLock { $0.opened += 1 }
    if let failure { return completion(.failure(failure)) }
    memory.open(workspace, completion: completion)
  }

  func replay(_ workspace: WorkspaceID, after offset: JournalOffset) throws(JournalError) -> any JournalReplay {
    try memory.replay(workspace, after: offset)
  }

  func close(_ workspace: WorkspaceID) {}

  func workspacesWithDeadline(completion: @escaping @Sendable (Result<[WorkspaceID], JournalError>) -> Void) {
    memory.workspacesWithDeadline(completion: completion)
  }

  func consumers(completion: @escaping @Sendable (Result<[JournalConsumer], JournalError>) -> Void) {
    memory.consumers(completion: completion)
  }

  func backlogs(
    of consumers: [JournalConsumer.Key],
    completion: @escaping @Sendable (Result<[JournalConsumer.Key: [JournalBacklog]], JournalError>) -> Void
  ) {
    state.withLock { $0.backlogReads += 1 }
    memory.backlogs(of: consumers, completion: completion)
  }
}
