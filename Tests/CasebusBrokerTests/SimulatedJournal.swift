import CasebusJournal
import CasebusProtocol
import Synchronization

/// A journal of which the test decides when it has done something, whether it failed, and what it no longer keeps.
///
/// It outlives brokers, and remembers everything that was ever committed, also what it no longer gives out.
final class SimulatedJournal: EventJournal {
  private let state = Mutex(State())

  struct Stream {
    var all: [JournalRecord] = []
    /// The offset of the oldest record that is kept.
    var first: JournalOffset = 1
    var snapshot: JournalSnapshot?
    var receipts: [JournalReceipt] = []
    var last: JournalOffset { JournalOffset(all.count) }
  }

  private struct State {
    var streams: [WorkspaceID: Stream] = [:]
    var appends: [Append] = []
    var reads: [@Sendable (Bool) -> Void] = []
    /// Replays that are not forgotten: what follows these offsets is kept.
    var holds: [Int: (WorkspaceID, JournalOffset)] = [:]
    var replays = 0
  }

  private struct Append: Sendable {
    var batch: JournalBatch
    var completion: @Sendable (Result<JournalCommit, JournalError>) -> Void
  }

  static let failure = JournalError.unavailable("the simulated disk is full")
  static let epoch = "sim"

  var health: JournalHealth { .available }

  func stream(_ workspace: WorkspaceID) -> Stream { state.withLock { $0.streams[workspace] ?? Stream() } }

  // MARK: - What the broker asks

  func append(_ batch: JournalBatch, completion: @escaping @Sendable (Result<JournalCommit, JournalError>) -> Void) {
    state.withLock { $0.appends.append(Append(batch: batch, completion: completion)) }
  }

  func open(
    _ workspace: WorkspaceID, completion: @escaping @Sendable (Result<JournalStream, JournalError>) -> Void
  ) {
    read(completion) { [self] in stream(workspace).content }
  }

  func replay(_ workspace: WorkspaceID, after offset: JournalOffset) throws(JournalError) -> any JournalReplay {
    let (stream, number) = state.withLock { state in
      state.replays += 1
      state.holds[state.replays] = (workspace, offset)
      return (state.streams[workspace] ?? Stream(), state.replays)
    }
    let replay = SimulatedReplay(journal: self, number: number, records: stream.all)
    guard stream.first <= offset + 1 else { throw .pruned(first: stream.first) }
    return replay
  }

  func forget(replay number: Int) {
    state.withLock { $0.holds[number] = nil }
  }

  func close(_ workspace: WorkspaceID) {}

  func workspacesWithDeadline(completion: @escaping @Sendable (Result<[WorkspaceID], JournalError>) -> Void) {
    completion(.success([]))
  }

  func consumers(completion: @escaping @Sendable (Result<[JournalConsumer], JournalError>) -> Void) {
    completion(.success([]))
  }

  func backlog(
    of consumer: JournalConsumer.Key, completion: @escaping @Sendable (Result<[JournalBacklog], JournalError>) -> Void
  ) {
    read(completion) { [] }
  }

  func read<Value: Sendable>(
    _ completion: @escaping @Sendable (Result<Value, JournalError>) -> Void, _ body: @escaping @Sendable () -> Value
  ) {
    state.withLock { $0.reads.append { completion($0 ? .success(body()) : .failure(Self.failure)) } }
  }

  // MARK: - What the test decides

  /// The oldest batch is committed, perhaps without the part of one workspace, or fails. Does nothing if there is none.
  func finishAppend(succeeds: Bool, refusing workspace: WorkspaceID? = nil) {
    guard let append = state.withLock({ $0.appends.isEmpty ? nil : $0.appends.removeFirst() }) else { return }
    append.completion(succeeds ? commit(append.batch, refusing: workspace) : .failure(Self.failure))
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

  /// The broker is gone. The first so many of the batches that it waited for are committed all the same.
  func crash(committing count: Int) {
    // What the reads hold is let go outside of the lock: replays among it want to be forgotten.
    let (appends, reads) = state.withLock { state in
      defer { (state.appends, state.reads) = ([], []) }
      return (state.appends, state.reads)
    }
    for append in appends.prefix(count) { _ = commit(append.batch) }
    _ = reads
  }

  /// Forgets records, but none that a replay or the state still needs.
  func prune(_ workspace: WorkspaceID, upTo wish: JournalOffset) {
    state.withLock { state in
      let held = state.holds.values.filter { $0.0 == workspace }.map(\.1)
      guard let stream = state.streams[workspace], let snapshot = stream.snapshot else { return }
      let offset = min(wish, held.min() ?? wish, snapshot.offset)
      state.streams[workspace]?.first = max(offset + 1, stream.first)
    }
  }

  private func commit(_ batch: JournalBatch, refusing refused: WorkspaceID? = nil) -> Result<
    JournalCommit, JournalError
  > {
    state.withLock { state in
      var commit = JournalCommit()
      for (workspace, part) in batch.parts {
        let last = state.streams[workspace]?.last ?? 0
        if workspace == refused {
          commit.refused[workspace] = Self.failure
        } else if part.expected == last {
          state.streams[workspace, default: Stream()].append(part)
        } else {
          commit.refused[workspace] = .conflict(workspace, expected: part.expected, actual: last)
        }
      }
      return .success(commit)
    }
  }
}

extension SimulatedJournal.Stream {
  fileprivate mutating func append(_ part: JournalPart) {
    all += part.records
    receipts += part.receipts
    snapshot = part.snapshot ?? snapshot
  }

  fileprivate var content: JournalStream {
    JournalStream(
      epoch: SimulatedJournal.epoch, last: last, snapshot: snapshot,
      records: Array(all.dropFirst(Int(snapshot?.offset ?? 0))), receipts: receipts)
  }
}

/// Gives pages of random size, when the test says so.
private final class SimulatedReplay: JournalReplay {
  private let journal: SimulatedJournal
  private let number: Int
  private let records: [JournalRecord]

  init(journal: SimulatedJournal, number: Int, records: [JournalRecord]) {
    self.journal = journal
    self.number = number
    self.records = records
  }

  deinit {
    journal.forget(replay: number)
  }

  func read(
    after offset: JournalOffset, limit: Int, bytesMax: Int,
    completion: @escaping @Sendable (Result<[JournalRecord], JournalError>) -> Void
  ) {
    let size = min(limit, 1 + Int(offset * 7 % 5))
    journal.read(completion) { [records] in Array(records.dropFirst(Int(offset)).prefix(size)) }
  }
}
