import CasebusJournal
import CasebusProtocol
import Synchronization

/// A journal of which the test decides when it has done something, whether it failed, and what it no longer keeps.
///
/// It outlives brokers, and remembers everything that was ever committed, also what it no longer gives out. Several
/// brokers, each with a journal of its own over one ``SharedJournal``, see the same streams.
final class SimulatedJournal: EventJournal {
  private let shared: SharedJournal
  private let state = Mutex(State())

  init(_ shared: SharedJournal = SharedJournal()) {
    self.shared = shared
  }

  private struct State {
    var appends: [Append] = []
    var reads: [@Sendable (Bool) -> Void] = []
  }

  private struct Append: Sendable {
    var batch: JournalBatch
    var completion: @Sendable (Result<JournalCommit, JournalError>) -> Void
  }

  static let failure = JournalError.unavailable("the simulated disk is full")
  static var epoch: String { SharedJournal.epoch }

  var health: JournalHealth { .available }

  func stream(_ workspace: WorkspaceID) -> SharedJournal.Stream { shared.stream(workspace) }

  // MARK: - What the broker asks

  func append(_ batch: JournalBatch, completion: @escaping @Sendable (Result<JournalCommit, JournalError>) -> Void) {
    state.withLock { $0.appends.append(Append(batch: batch, completion: completion)) }
  }

  func open(
    _ workspace: WorkspaceID, completion: @escaping @Sendable (Result<JournalStream, JournalError>) -> Void
  ) {
    read(completion) { [shared] in .success(shared.stream(workspace).content) }
  }

  func replay(_ workspace: WorkspaceID, after offset: JournalOffset) throws(JournalError) -> any JournalReplay {
    SimulatedReplay(journal: self, hold: try shared.hold(workspace, after: offset))
  }

  func close(_ workspace: WorkspaceID) {}

  func workspacesWithDeadline(completion: @escaping @Sendable (Result<[WorkspaceID], JournalError>) -> Void) {
    shared.consumers.workspacesWithDeadline(completion: completion)
  }

  func consumers(completion: @escaping @Sendable (Result<[JournalConsumer], JournalError>) -> Void) {
    shared.consumers.consumers(completion: completion)
  }

  func backlogs(
    of consumers: [JournalConsumer.Key],
    completion: @escaping @Sendable (Result<[JournalConsumer.Key: [JournalBacklog]], JournalError>) -> Void
  ) {
    read(completion) { [shared] in .success(shared.backlogs(of: consumers)) }
  }

  fileprivate func read<Value: Sendable>(
    _ completion: @escaping @Sendable (Result<Value, JournalError>) -> Void,
    _ body: @escaping @Sendable () -> Result<Value, JournalError>
  ) {
    state.withLock { $0.reads.append { completion($0 ? body() : .failure(Self.failure)) } }
  }

  // MARK: - What the test decides

  /// The oldest batch is committed, perhaps without the part of one workspace, or fails. Does nothing if there is none.
  func finishAppend(succeeds: Bool, refusing workspace: WorkspaceID? = nil) {
    guard let append = state.withLock({ $0.appends.isEmpty ? nil : $0.appends.removeFirst() }) else { return }
    append.completion(
      succeeds ? .success(shared.commit(append.batch, refusing: workspace)) : .failure(Self.failure))
  }

  /// Something that is being read is there, or cannot be read.
  func finishRead(_ number: Int, succeeds: Bool) {
    let read = state.withLock { $0.reads.isEmpty ? nil : $0.reads.remove(at: number % $0.reads.count) }
    read?(succeeds)
  }

  var isBusy: Bool { state.withLock { !$0.appends.isEmpty || !$0.reads.isEmpty } }

  /// Does what it was asked, and what that leads to, until nothing is left.
  func finishEverything(for broker: TestBroker) {
    while isBusy {
      finishAppend(succeeds: true)
      finishRead(0, succeeds: true)
      broker.run()
    }
  }

  /// How much is being read.
  var readsWaiting: Int { state.withLock { $0.reads.count } }

  /// How many batches wait for their commit.
  var appendsWaiting: Int { state.withLock { $0.appends.count } }

  /// The broker is gone. The first so many of the batches that it waited for are committed all the same.
  func crash(committing count: Int) {
    // What the reads hold is let go outside of the lock: replays among it want to be forgotten.
    let (appends, reads) = state.withLock { state in
      defer { (state.appends, state.reads) = ([], []) }
      return (state.appends, state.reads)
    }
    for append in appends.prefix(count) { _ = shared.commit(append.batch) }
    _ = reads
  }

  /// Forgets records, but none that a replay or the state still needs.
  func prune(_ workspace: WorkspaceID, upTo wish: JournalOffset) {
    shared.prune(workspace, upTo: wish)
  }
}

/// Gives pages of random size, when the test says so.
private final class SimulatedReplay: JournalReplay {
  private let journal: SimulatedJournal
  /// Let go with the replay.
  private let hold: SharedJournal.Hold

  init(journal: SimulatedJournal, hold: SharedJournal.Hold) {
    self.journal = journal
    self.hold = hold
  }

  func read(
    after offset: JournalOffset, limit: Int, bytesMax: Int,
    completion: @escaping @Sendable (Result<[JournalRecord], JournalError>) -> Void
  ) {
    let size = min(limit, 1 + Int(offset * 7 % 5))
    journal.read(completion) { [hold] in hold.records(after: offset, limit: size) }
  }
}
