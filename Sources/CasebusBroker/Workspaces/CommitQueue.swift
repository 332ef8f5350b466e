import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import NIOCore

/// Group commit: everything decided in one tick of the loop, or during the last commit, is one batch
/// (Docs/internals/threading.md).
///
/// Nothing leaves it before it is durable: neither an event nor the answer to the command that caused it. What needs
/// no commit waits for what was decided before it, so that order holds.
final class CommitQueue {
  private let port: LoopPort
  private let journal: any EventJournal
  private var gathered: [Entry] = []
  private var committing: [Entry]?
  /// How the commit went; nil while the journal has not said so.
  private var result: Result<JournalCommit, JournalError>?
  /// What the answers and events that were decided and are not released hold in memory, about.
  private(set) var pendingBytes = 0

  init(port: LoopPort, journal: any EventJournal) {
    self.port = port
    self.journal = journal
  }

  /// One outcome, and what the journal is to keep of it.
  struct Entry {
    var outcome: Outcome
    let host: WorkspaceHost
    /// Where the workspace stood before it.
    let offset: JournalOffset
    var events: [WorkspaceEvent] = []
    var records: [JournalRecord] = []
    var receipt: JournalReceipt?
    var snapshot: JournalSnapshot?
    /// How far durable consumers are.
    var positions: [JournalPosition] = []

    init(outcome: Outcome, host: WorkspaceHost) {
      self.outcome = outcome
      self.host = host
      offset = host.currentOffset
    }

    /// What it holds in memory, about.
    var bytes: Int { outcome.weight + (snapshot?.state.readableBytes ?? 0) }

    /// Whether the journal is to keep anything of it.
    var isKept: Bool { !records.isEmpty || receipt != nil || snapshot != nil || !positions.isEmpty }
  }

  func add(_ entry: consuming Entry) {
    pendingBytes += entry.bytes
    gathered.append(entry)
  }

  /// Whether something is gathered and no commit is running.
  var canBegin: Bool { committing == nil && !gathered.isEmpty }

  /// Commits what is gathered, unless a commit is running: then it is the next one.
  func begin() {
    guard canBegin else { return }
    let entries = gathered
    gathered = []
    committing = entries
    let batch = JournalBatch(entries)
    guard !batch.isEmpty else { return result = .success(JournalCommit()) }
    let port = port
    journal.append(batch) { result in
      if port.eventLoop.inEventLoop {
        port.loop.commitEnded(result)
      } else {
        port.execute { $0.commitEnded(result) }
      }
    }
  }

  /// The journal said how the commit went. What follows from that is done by ``settle()``.
  func ended(_ result: Result<JournalCommit, JournalError>) {
    precondition(committing != nil && self.result == nil, "a commit ended that was not begun")
    self.result = result
  }

  /// Releases what was committed, or undoes what was not. Does nothing until the journal has said which.
  func settle() {
    guard let result, let entries = committing else { return }
    (self.result, committing) = (nil, nil)
    switch result {
    case .success(let commit) where !commit.refused.isEmpty: committed(entries, but: commit.refused)
    case .success:
      forget(entries)
      for entry in entries { entry.host.committed(entry) }
      port.loop.release(entries)
      for entry in entries { entry.host.feedConsumers(entry) }
    case .failure(let error):
      fail(entries, error)
    }
  }

  private func forget(_ entries: [Entry]) {
    for entry in entries { pendingBytes -= entry.bytes }
  }

  /// Undoes the entries and all that was decided on top of them, and says so to those who asked.
  private func fail(_ entries: [Entry], _ error: JournalError) {
    let failed = entries + gathered
    gathered = []
    forget(failed)
    for entry in failed { entry.host.rollBack(entry) }
    let failure = Failure(notCommitted: error)
    port.loop.release(failed.map { $0.failing(with: failure) })
  }

  /// The entries are durable, but for those of the workspaces that were refused: these are undone, with all that was
  /// decided on top of them. The order of each workspace stays as it is.
  private func committed(_ entries: [Entry], but refused: [WorkspaceID: JournalError]) {
    let undone = gathered.filter { refused[$0.host.id] != nil }
    gathered.removeAll { refused[$0.host.id] != nil }
    forget(entries + undone)
    for entry in entries where refused[entry.host.id] == nil { entry.host.committed(entry) }
    for entry in entries + undone where refused[entry.host.id] != nil { entry.host.rollBack(entry) }
    for (workspace, error) in refused {
      if case .conflict = error { port.loop.hosts[workspace]?.reload() }
    }
    port.loop.release(
      (entries + undone).map { entry in
        refused[entry.host.id].map { entry.failing(with: Failure(notCommitted: $0)) } ?? entry
      })
    for entry in entries where refused[entry.host.id] == nil { entry.host.feedConsumers(entry) }
  }
}

extension CommitQueue.Entry {
  fileprivate func failing(with failure: Failure) -> CommitQueue.Entry {
    var entry = self
    entry.outcome.events = []
    guard let asker = outcome.asker else { return entry }
    switch outcome.answer {
    case .endOfReplay(let id, _):
      // Nobody asked in words; the replay asks again.
      if host.sessions.contains(asker.session) { host.retained.keep(for: asker.session) }
      entry.outcome.answer = .endOfReplay(id, .further(through: host.durableOffset))
    case .subscribe:
      host.cancelReplay(for: asker.session)
      entry.outcome.answer = .frame(.failure(to: asker, failure, at: host.position))
    case .silent, .frame, .unsubscribe, .consumer:
      entry.outcome.answer = .frame(.failure(to: asker, failure, at: host.position))
    }
    return entry
  }

  /// Adds what each loop's sessions are to learn of this to the deliveries, by loop.
  func distribute(into deliveries: inout [LoopDeliveries], forMonitors: Bool, withPositions: Bool) {
    var outcome = outcome
    if forMonitors || withPositions {
      for index in outcome.events.indices {
        outcome.events[index].addFrames(forMonitors: forMonitors, withPositions: withPositions)
      }
    }
    for loop in deliveries.indices {
      let isInterested = forMonitors || host.hasSessions(on: loop)
      let isAsker = outcome.asker?.session.loop == loop
      guard isAsker || (isInterested && !outcome.events.isEmpty) else { continue }
      var delivery = outcome
      if !isAsker { delivery.asker = nil }
      if !isInterested { delivery.events = [] }
      deliveries[loop].append(delivery)
    }
  }
}

extension JournalBatch {
  fileprivate init(_ entries: [CommitQueue.Entry]) {
    self.init()
    // Where the position of a consumer is in its part, so that it is not searched for.
    var places: [WorkspaceID: [JournalConsumer.Key: Int]] = [:]
    for entry in entries where entry.isKept {
      let id = entry.host.id
      parts[id, default: JournalPart(expected: entry.offset)].add(entry)
      for position in entry.positions {
        parts[id]!.add(position, at: &places[id, default: [:]][position.consumer])
      }
    }
  }
}

extension JournalPart {
  fileprivate mutating func add(_ entry: CommitQueue.Entry) {
    records.append(contentsOf: entry.records)
    if let receipt = entry.receipt { receipts.append(receipt) }
    snapshot = entry.snapshot ?? snapshot
    deadline = entry.host.current.nextDeadline?.milliseconds
  }

  /// The newest position of a consumer counts; what was parked on the way there stays parked.
  fileprivate mutating func add(_ position: JournalPosition, at place: inout Int?) {
    guard let place else {
      place = positions.count
      return positions.append(position)
    }
    positions[place].offset = position.offset
    positions[place].parked += position.parked
    positions[place].unparked += position.unparked
  }
}

@available(*, unavailable)
extension CommitQueue: Sendable {}
