import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import DequeModule
import NIOCore

/// Reading a workspace from the journal when it is first touched.
extension WorkspaceHost {
  /// Does something as soon as it is known how the workspace stands: now, if it is.
  func whenLoaded(_ body: @escaping (WorkspaceHost) -> Void) {
    guard lifecycle.isWaiting else { return body(self) }
    waiting.append(body)
  }

  /// Asks the journal for the workspace.
  func load() {
    let port = loop.port
    let id = id
    let journal = loop.journal
    // What consumers there are must be known first: whatever is decided is for them.
    loop.consumers.whenLoaded { known in
      if case .failure(let error) = known { return port.execute { $0.hosts[id]?.loaded(.failure(error)) } }
      Self.open(id, journal, port)
    }
  }

  private static func open(_ id: WorkspaceID, _ journal: any EventJournal, _ port: LoopPort) {
    journal.open(id) { result in
      if port.eventLoop.inEventLoop {
        port.loop.hosts[id]?.loaded(result)
      } else {
        port.execute { $0.hosts[id]?.loaded(result) }
      }
    }
  }

  private func loaded(_ result: Result<JournalStream, JournalError>) {
    guard lifecycle.state == .loading else { return }
    do throws(JournalError) {
      try restore(from: result.get())
      restoreConsumers()
      lifecycle.journalWasRead()
    } catch {
      loadFailed(error)
    }
    begin()
  }

  /// The journal could not be read; it is asked again after a pause.
  func loadFailed(_ error: JournalError) {
    lifecycle.journalFailed(error)
    loop.loadFailed(self, error)
    scheduleRetry()
  }

  /// Does what waited until it was known how the workspace stands.
  func begin() {
    deadline?.timer.cancel()
    deadline = nil
    updateDeadline()
    decideAgain()
    if lifecycle.isReady { liftBlocksOfDeparted() }
    let bodies = waiting
    waiting = []
    // What is still to come keeps the workspace in memory.
    waitingMessages += bodies.count
    for body in bodies { body(self) }
    waitingMessages -= bodies.count
    deadlineReached()
    leaveIfIdle()
  }

  /// How long it takes until a journal that failed is asked again.
  private static var retryPause: TimeAmount { .seconds(1) }

  private func scheduleRetry() {
    loop.port.eventLoop.assumeIsolated().scheduleTask(in: Self.retryPause) { [weak self] in
      guard let self, lifecycle.retryIsDue(isNeeded: !sessions.isEmpty || !departed.isEmpty || deadline != nil) else {
        return
      }
      load()
    }
  }

  private func restore(from stream: JournalStream) throws(JournalError) {
    durable = Workspace(rules: current.rules)
    snapshotOffset = 0
    do throws(ReplayError) {
      if let snapshot = stream.snapshot {
        durable = try Workspace(snapshot: snapshot.state, rules: current.rules)
        snapshotOffset = snapshot.offset
      }
      for record in stream.records {
        durable.evolve(try WorkspaceEvent(record), at: Timestamp(milliseconds: record.time))
      }
    } catch {
      throw .unavailable("what is kept of workspace \(id) cannot be read: \(error)")
    }
    durable.limitDeadlines(at: loop.now)
    durableSnapshotOffset = snapshotOffset
    current = durable
    epoch = stream.epoch
    (currentOffset, durableOffset) = (stream.last, stream.last)
    receipts = ReceiptBook(loop.configuration)
    for receipt in stream.receipts { receipts.restore(receipt, at: loop.now) }
  }
}

extension WorkspaceEvent {
  /// Reads an event as it was kept.
  init(_ record: JournalRecord) throws(ReplayError) {
    guard let name = EventName(record.event) else {
      throw ReplayError("record \(record.offset) has the unknown event name \(record.event)")
    }
    try self.init(replaying: name, kind: record.kind, data: record.data, detail: record.detail)
  }
}
