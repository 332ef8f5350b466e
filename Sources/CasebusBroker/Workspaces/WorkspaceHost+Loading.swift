import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import NIOCore

/// Reading a workspace from the journal when it is first touched.
extension WorkspaceHost {
  enum Loading {
    /// What came meanwhile waits.
    case running(waiting: [(WorkspaceHost) -> Void])
    case done
    /// The journal could not be read. It is tried again, until then everything is refused.
    case failed(JournalError)
  }

  /// Does something as soon as it is known how the loading ended: now, if it has.
  func whenLoaded(_ body: @escaping (WorkspaceHost) -> Void) {
    guard case .running(var waiting) = loading else { return body(self) }
    // Taken out first, so that appending does not copy all that wait.
    loading = .running(waiting: [])
    waiting.append(body)
    loading = .running(waiting: waiting)
  }

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

  /// Somebody else wrote to the workspace: what they decided is the truth.
  func reload() {
    guard case .done = loading else { return }
    loading = .running(waiting: [])
    load()
  }

  private func loaded(_ result: Result<JournalStream, JournalError>) {
    guard case .running(let waiting) = loading else { return }
    do throws(JournalError) {
      try restore(from: result.get())
      restoreConsumers()
      loading = .done
    } catch {
      loading = .failed(error)
      loop.loadFailed(self, error)
      scheduleReload()
    }
    updateDeadline()
    if case .done = loading { liftBlocksOfDeparted() }
    // What is still to come keeps the workspace in memory.
    waitingMessages += waiting.count
    for body in waiting { body(self) }
    waitingMessages -= waiting.count
    deadlineReached()
    leaveIfIdle()
  }

  /// How long it takes until a journal that failed is tried again.
  private static var reloadPause: TimeAmount { .seconds(1) }

  private func scheduleReload() {
    loop.port.eventLoop.assumeIsolated().scheduleTask(in: Self.reloadPause) { [weak self] in
      guard let self, case .failed = loading, !sessions.isEmpty else { return }
      loading = .running(waiting: [])
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
