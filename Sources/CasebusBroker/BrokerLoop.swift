import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import Logging
import NIOCore

/// The broker's part on one event loop: its sessions, the workspaces it hosts, its share of the fan-out.
///
/// Everything in it is used on that loop only; other loops reach it by its ``LoopPort``.
final class BrokerLoop {
  let port: LoopPort
  let configuration: BrokerConfiguration
  let deflater: FrameDeflater
  let shard: FanoutShard
  private(set) var sessions: [UInt64: Session] = [:]
  private var hosts: [WorkspaceID: WorkspaceHost] = [:]
  private var sessionsMade: UInt64 = 0
  private var isTickScheduled = false
  private var isPausedBetweenSlices = false
  var isDraining = false
  private let environment: BrokerEnvironment
  let commits: CommitQueue

  init(port: LoopPort, environment: BrokerEnvironment) {
    self.port = port
    self.environment = environment
    configuration = environment.configuration
    deflater = FrameDeflater(configuration)
    shard = FanoutShard(deflater: deflater)
    commits = CommitQueue(port: port, journal: environment.journal)
  }

  private var loops: [LoopPort] { environment.loops.ports }
}

// MARK: - Sessions of this loop

extension BrokerLoop {
  func open(
    _ scope: WorkspaceScope, reservation: SessionReservation, encoding: MessageEncoding, sink: any SessionSink,
    origin: SessionOrigin
  ) -> Session {
    sessionsMade += 1
    let key = SessionKey(loop: port.index, number: sessionsMade)
    let id = "\(environment.instance)-\(key.loop)-\(key.number)"
    let session = Session(
      id: id, scope: scope, origin: origin, reservation: reservation, encoding: encoding, key: key, sink: sink,
      loop: self,
      logger: environment.logger)
    sessions[key.number] = session
    switch scope {
    case .workspace(let workspace): attach(key, to: workspace)
    case .all: environment.monitors.add()
    }
    logOpened(session)
    if isDraining { drain([session]) }
    return session
  }

  private func logOpened(_ session: Session) {
    var metadata: Logger.Metadata = [
      "session": "\(session.id)", "workspace": "\(session.scope)", "from": "\(session.origin.address)",
    ]
    if let identity = session.origin.identity { metadata["identity"] = "\(identity)" }
    environment.logger.info("session opened", metadata: metadata)
  }

  func remove(_ session: Session) {
    shard.remove(session)
    sessions[session.key.number] = nil
    session.reservation.release()
    switch session.scope {
    case .workspace(let workspace): detach(session, from: workspace)
    case .all: environment.monitors.remove()
    }
  }

  func countSlowConsumer() {
    environment.slowConsumers.add()
  }

  func touch(_ session: Session) {
    shard.touch(session)
    scheduleTick()
  }

  /// Passes a client's message to the loop that hosts its workspace.
  func forward(
    _ content: Result<ClientMessage.Content, Failure>, from asker: Outcome.Asker, blocker: Blocker,
    to workspace: WorkspaceID
  ) {
    onLoop(of: workspace) { $0.hosts[workspace]?.receive(content, from: asker, blocker: blocker) }
  }

  private func attach(_ session: SessionKey, to workspace: WorkspaceID) {
    onLoop(of: workspace) { $0.host(workspace, for: session)?.attach(session) }
  }

  private func detach(_ session: Session, from workspace: WorkspaceID) {
    let key = session.key
    let blocker = session.blocker
    onLoop(of: workspace) { $0.hosts[workspace]?.detach(key, blocker: blocker) }
  }

  /// Runs something on the loop that hosts a workspace: at once if that is this one.
  private func onLoop(of workspace: WorkspaceID, _ body: @escaping @Sendable (BrokerLoop) -> Void) {
    let target = environment.loops.host(of: workspace)
    if target.index == port.index { body(self) } else { target.execute(body) }
  }
}

// MARK: - Workspaces of this loop

extension BrokerLoop {
  var now: Timestamp { environment.now() }
  var hasMonitors: Bool { environment.monitors.count > 0 }

  func commit(_ outcome: Outcome, records: [JournalRecord], events: [WorkspaceEvent], of host: WorkspaceHost) {
    let isMuch = commits.add(CommitQueue.Entry(outcome: outcome, records: records, events: events, host: host))
    scheduleTick()
    if isMuch { commits.commit() }
  }

  /// The host has no sessions left and nothing to remember.
  func remove(_ host: WorkspaceHost) {
    hosts[host.id] = nil
    environment.workspaces.remove()
    environment.journal.workspaceLeft(host.id)
  }

  /// The host of a workspace; made if there is none. nil if there are too many: the session is closed then.
  private func host(_ workspace: WorkspaceID, for session: SessionKey) -> WorkspaceHost? {
    if let host = hosts[workspace] { return host }
    guard environment.workspaces.add(limit: configuration.workspacesMax) else {
      refuse(session)
      return nil
    }
    let host = WorkspaceHost(id: workspace, loop: self, loopCount: loops.count)
    hosts[workspace] = host
    return host
  }

  private func refuse(_ session: SessionKey) {
    let limit = configuration.workspacesMax
    loops[session.loop].execute {
      $0.sessions[session.number]?.close(.overloaded, reason: "\(limit) workspaces are open (workspacesMax)")
    }
  }
}

// MARK: - Ticks

extension BrokerLoop {
  /// What happens in one tick of the loop is one batch for the journal, and one write for each session.
  private func scheduleTick() {
    guard !isTickScheduled else { return }
    isTickScheduled = true
    port.eventLoop.assumeIsolated().execute { [self] in
      commits.commit()
      isTickScheduled = false
      flush()
    }
  }

  /// How long the loop fans out before it looks after other things: reading, answering, timers.
  private static var sliceNanoseconds: Int64 { 1_000_000 }
  /// A pause in which the loop gets to its sockets; tasks that are due at once would go first.
  private static var pauseBetweenSlices: TimeAmount { .microseconds(20) }

  private func flush() {
    guard !isPausedBetweenSlices else { return }
    let isDone = shard.flush(until: .now() + .nanoseconds(Self.sliceNanoseconds))
    guard !isDone else { return }
    isPausedBetweenSlices = true
    port.eventLoop.assumeIsolated().scheduleTask(in: Self.pauseBetweenSlices) { [self] in
      isPausedBetweenSlices = false
      flush()
    }
  }

  /// Passes committed outcomes to the loops whose sessions they concern: one call per loop.
  func release(_ entries: [CommitQueue.Entry]) {
    var deliveries = [[Outcome]](repeating: [], count: loops.count)
    for entry in entries { entry.distribute(into: &deliveries, forMonitors: hasMonitors) }
    for (index, delivery) in deliveries.enumerated() where !delivery.isEmpty {
      if index == port.index { deliver(delivery) } else { loops[index].execute { $0.deliver(delivery) } }
    }
  }

  /// Gives this loop's sessions what is theirs: each answer before the events it caused.
  private func deliver(_ outcomes: [Outcome]) {
    for outcome in outcomes {
      if let asker = outcome.asker, asker.session.loop == port.index {
        sessions[asker.session.number]?.received(outcome)
      }
      for event in outcome.events { shard.deliver(event, excluding: excluded(by: event)) }
    }
    scheduleTick()
  }

  private func excluded(by event: EncodedEvent) -> Session? {
    guard let key = event.excluded, key.loop == port.index else { return nil }
    return sessions[key.number]
  }
}

@available(*, unavailable)
extension BrokerLoop: Sendable {}
