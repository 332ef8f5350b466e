import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import NIOCore

/// Group commit: everything decided in one tick of the loop, or while the last commit ran, is one batch (DESIGN §3).
///
/// Nothing leaves it before it is durable: neither an event nor the answer to the command that caused it. What needs
/// no commit waits for what was decided before it, so that order holds.
final class CommitQueue {
  private let port: LoopPort
  private let journal: any EventJournal
  private var gathered: [Entry] = []
  /// What the gathered answers and events hold in memory, about.
  private var gatheredBytes = 0
  private static var gatheredBytesMax: Int { 4 << 20 }
  private var committing: [Entry]?

  init(port: LoopPort, journal: any EventJournal) {
    self.port = port
    self.journal = journal
  }

  /// One outcome, and what the journal is to keep of it.
  struct Entry {
    var outcome: Outcome
    var records: [JournalRecord]
    var events: [WorkspaceEvent]
    let host: WorkspaceHost
  }

  /// - Returns: whether so much is gathered that it should be committed before the end of the tick.
  func add(_ entry: Entry) -> Bool {
    gathered.append(entry)
    gatheredBytes += entry.outcome.bytes
    return gatheredBytes >= Self.gatheredBytesMax
  }

  /// Commits what is gathered, unless a commit is running: then it is the next one.
  func commit() {
    guard committing == nil, !gathered.isEmpty else { return }
    let entries = gathered
    gathered = []
    gatheredBytes = 0
    committing = entries
    let batch = JournalBatch(entries)
    guard !batch.isEmpty else { return finished(.success(())) }
    let port = port
    journal.append(batch) { result in
      if port.eventLoop.inEventLoop {
        port.loop.commits.finished(result)
      } else {
        port.execute { $0.commits.finished(result) }
      }
    }
  }

  private func finished(_ result: Result<Void, JournalError>) {
    guard let entries = committing else { preconditionFailure("a commit finished that was not begun") }
    committing = nil
    switch result {
    case .success:
      for entry in entries { entry.host.committed(entry.events) }
      port.loop.release(entries)
    case .failure(let error):
      fail(entries, error)
    }
    commit()
  }

  /// Undoes the entries and all that was decided on top of them, and says so to those who asked.
  private func fail(_ entries: [Entry], _ error: JournalError) {
    let failed = entries + gathered
    gathered = []
    gatheredBytes = 0
    for entry in failed { entry.host.rollBack() }
    let failure = Failure(.journalUnavailable, "the journal could not commit, nothing was changed: \(error)")
    port.loop.release(failed.map { $0.failing(with: failure) })
  }
}

extension CommitQueue.Entry {
  fileprivate func failing(with failure: Failure) -> CommitQueue.Entry {
    var entry = self
    entry.outcome.events = []
    if let asker = outcome.asker { entry.outcome.answer = .frame(.failure(to: asker.referenceID, failure)) }
    return entry
  }

  /// Adds what each loop's sessions are to learn of this to the deliveries, by loop.
  func distribute(into deliveries: inout [[Outcome]], forMonitors: Bool) {
    var outcome = outcome
    if forMonitors {
      for index in outcome.events.indices { outcome.events[index].addMonitorFrame() }
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
    for entry in entries {
      guard let first = entry.records.first else { continue }
      parts[entry.host.id, default: JournalPart(expected: first.offset - 1)].records.append(contentsOf: entry.records)
    }
  }
}

@available(*, unavailable)
extension CommitQueue: Sendable {}
