import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import NIOCore

/// Who is part of a durable consumer, and what its sessions get.
extension BrokerLoop {
  /// A session of this loop becomes part of a consumer, in its workspace or in all of them.
  func enter(_ key: JournalConsumer.Key, _ session: Session) {
    let member = session.key
    guard consumers.add(member, to: key) else {
      return session.close(.consumerDeleted, reason: "the durable consumer \(key.name) was deleted")
    }
    if let workspace = key.workspace {
      send(.consumerJoined(key, member), to: workspace)
    } else {
      onAllLoops { loop in
        for host in loop.hosts.values { host.whenLoaded { $0.join(key, member) } }
      }
      for workspace in consumers.workspacesWithBacklog(of: key) { wake(workspace) }
    }
  }

  /// A session is no longer part of a consumer.
  /// - Parameter work: what the session was at when it ended; nil if it went in good order.
  func leave(
    _ key: JournalConsumer.Key, _ session: SessionKey, _ leaving: Session.Leaving, at work: SessionWorkload.Work?
  ) {
    consumers.remove(session, from: key)
    if let workspace = key.workspace {
      send(.consumerLeft(key, session, leaving, work), to: workspace)
    } else {
      onAllLoops { $0.leaveEverywhere(key, session, leaving, at: work) }
    }
  }

  /// What gets free is given to others only when the session is nowhere a part of the consumer any more.
  private func leaveEverywhere(
    _ key: JournalConsumer.Key, _ session: SessionKey, _ leaving: Session.Leaving, at work: SessionWorkload.Work?
  ) {
    consumerRooms[key]?.isClosed = true
    for host in hosts.values { host.left(key, session, leaving, at: work) }
    consumerRooms[key]?.isClosed = false
    serveStarved(key)
  }

  /// A workspace could not be read that sessions of durable consumers wait for.
  func wakeLater(_ workspace: WorkspaceID) {
    guard consumers.isAwaited(workspace) else { return }
    port.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { [weak self] in
      guard let self else { return }
      wake(workspace)
    }
  }

  /// Answers what was not decided in a workspace.
  func answer(_ caller: Caller, _ answer: Outcome.Answer) {
    var outcome = Outcome(caller: caller, answer: answer)
    outcome.weight = outcome.answerBytes
    sessionRouter.send([.release(WorkspaceRelease(outcome))], to: caller.session.loop)
  }
}

// MARK: - Deliveries

extension BrokerLoop {
  /// Sends an event at the end of the tick, behind what was released in it.
  func send(_ delivery: DurableDelivery) {
    counts.deliveries += 1
    outbox.add(delivery)
    scheduleTick()
  }

  func sendDeliveries() {
    for (loop, deliveries) in outbox.take() { sessionRouter.send(deliveries.map { .delivery($0) }, to: loop) }
  }
}

// MARK: - Room

extension BrokerLoop {
  /// How much more the sessions of a consumer may be given by a workspace of this loop.
  func consumerRoom(of key: JournalConsumer.Key) -> Int {
    guard !isDraining else { return 0 }
    guard key.workspace == nil else { return .max }
    return consumerRooms[key, default: newRoom].free
  }

  /// The sessions of a consumer have more or less from a workspace than before.
  /// - Parameter isStarved: whether it has more for them, and only room was missing.
  func consumerChanged(_ key: JournalConsumer.Key, in workspace: WorkspaceID, by difference: Int, isStarved: Bool) {
    guard key.workspace == nil else { return }
    consumerRooms[key, default: newRoom].changed(by: difference)
    if isStarved { consumerRooms[key]?.wait(workspace) }
    if difference < 0 { serveStarved(key) }
  }

  /// What got free is for those who waited; serving one takes room and never frees any.
  /// A broker that stops gives nobody anything, so that they would wait again at once.
  private func serveStarved(_ key: JournalConsumer.Key) {
    while !isDraining, let workspace = consumerRooms[key]?.next() { hosts[workspace]?.serve(key) }
  }

  private var newRoom: ConsumerRoom { ConsumerRoom(unacknowledgedMax: configuration.spanningUnacknowledgedMax) }
}
