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
  private(set) var hosts: [WorkspaceID: WorkspaceHost] = [:]
  private var sessionsMade: UInt64 = 0
  private var isTickScheduled = false
  private var isPausedBetweenSlices = false
  private var isWakeUpScheduled = false
  var isDraining = false
  private let environment: BrokerEnvironment
  let commits: CommitQueue
  let outbox: DeliveryOutbox
  var replayTurns = ReplayTurns()
  /// Of the durable consumers of all workspaces.
  var consumerRooms: [JournalConsumer.Key: ConsumerRoom] = [:]

  init(port: LoopPort, environment: BrokerEnvironment) {
    self.port = port
    self.environment = environment
    configuration = environment.configuration
    deflater = FrameDeflater(configuration)
    shard = FanoutShard(
      deflater: deflater, monitorRest: .milliseconds(Int64(configuration.monitorWriteIntervalMilliseconds)))
    commits = CommitQueue(port: port, journal: environment.journal)
    outbox = DeliveryOutbox(loopCount: environment.loops.ports.count)
  }

  var loops: [LoopPort] { environment.loops.ports }
  var journal: any EventJournal { environment.journal }
  var consumers: ConsumerDirectory { environment.consumers }
  var logger: Logger { environment.logger }
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
    session.leaveConsumer()
    sessions[session.key.number] = nil
    session.reservation.release()
    if session.wantsPositions { environment.positioned.remove() }
    switch session.scope {
    case .workspace(let workspace): detach(session, from: workspace)
    case .all: environment.monitors.remove()
    }
  }

  func countPositioned() {
    environment.positioned.add()
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
    _ content: Result<ClientMessage.Content, Failure>, from asker: Outcome.Asker, to workspace: WorkspaceID
  ) {
    onLoop(of: workspace) { $0.hosts[workspace]?.receive(content, from: asker) }
  }

  /// A replay has read everything that it was to.
  func endReplay(_ replay: SessionReplay, for asker: Outcome.Asker) {
    let (id, offset, workspace) = (replay.subscriptionID, replay.position, replay.workspace)
    onLoop(of: workspace) { $0.hosts[workspace]?.endReplay(of: id, after: offset, for: asker) }
  }

  /// A replay was given up.
  func cancelReplay(of workspace: WorkspaceID, for session: SessionKey) {
    onLoop(of: workspace) { $0.hosts[workspace]?.cancelReplay(for: session) }
  }

  private func attach(_ session: SessionKey, to workspace: WorkspaceID) {
    onLoop(of: workspace) { $0.host(session, in: workspace) }
  }

  private func detach(_ session: Session, from workspace: WorkspaceID) {
    let key = session.key
    let blocker = session.ownBlocker
    onLoop(of: workspace) { $0.hosts[workspace]?.detach(key, blocker: blocker) }
  }

  /// Runs something on the loop that hosts a workspace: at once if that is this one.
  func onLoop(of workspace: WorkspaceID, _ body: @escaping @Sendable (BrokerLoop) -> Void) {
    let target = environment.loops.host(of: workspace)
    if target.index == port.index { body(self) } else { target.execute(body) }
  }
}

// MARK: - Workspaces of this loop

extension BrokerLoop {
  var now: Timestamp { environment.now() }
  var hasMonitors: Bool { environment.monitors.count > 0 }

  func commit(_ entry: CommitQueue.Entry) {
    let isMuch = commits.add(entry)
    scheduleTick()
    if isMuch { commits.commit() }
  }

  /// The host has no sessions left and nothing to remember.
  func remove(_ host: WorkspaceHost) {
    guard hosts[host.id] === host else { return }
    host.storeConsumers()
    hosts[host.id] = nil
    environment.workspaces.remove()
    environment.journal.close(host.id)
  }

  /// Attaches a session to its workspace's host; if there are too many of those to make one, the session is closed.
  private func host(_ session: SessionKey, in workspace: WorkspaceID) {
    if let host = hosts[workspace] {
      host.attach(session)
    } else if let host = makeHost(workspace) {
      host.attach(session)
      host.load()
    } else {
      refuse(session)
    }
  }

  private func makeHost(_ workspace: WorkspaceID) -> WorkspaceHost? {
    guard environment.workspaces.add(limit: configuration.workspacesMax) else { return nil }
    let host = WorkspaceHost(id: workspace, loop: self, loopCount: loops.count)
    hosts[workspace] = host
    return host
  }

  /// Brings a workspace into memory that nobody is connected to, because something is due in it.
  func wake(_ workspace: WorkspaceID) {
    onLoop(of: workspace) { loop in
      if loop.hosts[workspace] == nil { loop.makeHost(workspace)?.load() }
    }
  }

  /// Does something with the host of a workspace of this loop, which comes into memory for it.
  /// - Returns: whether there was room for the workspace.
  func wake(_ workspace: WorkspaceID, for body: @escaping (WorkspaceHost) -> Void) -> Bool {
    if let host = hosts[workspace] {
      host.whenLoaded(body)
      return true
    }
    guard let host = makeHost(workspace) else { return false }
    host.whenLoaded(body)
    host.load()
    return true
  }

  func loadFailed(_ host: WorkspaceHost, _ error: JournalError) {
    environment.logger.error(
      "a workspace cannot be read from the journal", metadata: ["workspace": "\(host.id)", "error": "\(error)"])
    wakeLater(host.id)
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
  func scheduleTick() {
    guard !isTickScheduled else { return }
    isTickScheduled = true
    port.eventLoop.assumeIsolated().execute { [self] in
      commits.commit()
      isTickScheduled = false
      sendDeliveries()
      flush()
    }
  }

  /// How long the loop fans out before it looks after other things: reading, answering, timers.
  private static var sliceNanoseconds: Int64 { 1_000_000 }
  /// A pause in which the loop gets to its sockets; tasks that are due at once would go first.
  private static var pauseBetweenSlices: TimeAmount { .microseconds(20) }

  private func flush() {
    guard !isPausedBetweenSlices else { return }
    switch shard.flush(at: port.eventLoop.now, sliceNanoseconds: Self.sliceNanoseconds) {
    case .done: break
    case .sliceOver: pauseBetweenSlices()
    case .resting(let deadline): wakeUp(at: deadline)
    }
  }

  private func pauseBetweenSlices() {
    isPausedBetweenSlices = true
    port.eventLoop.assumeIsolated().scheduleTask(in: Self.pauseBetweenSlices) { [self] in
      isPausedBetweenSlices = false
      flush()
    }
  }

  private func wakeUp(at deadline: NIODeadline) {
    guard !isWakeUpScheduled else { return }
    isWakeUpScheduled = true
    port.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in
      isWakeUpScheduled = false
      flush()
    }
  }

  /// Passes committed outcomes to the loops whose sessions they concern: one call per loop.
  func release(_ entries: [CommitQueue.Entry]) {
    var deliveries = [[Outcome]](repeating: [], count: loops.count)
    let hasPositioned = environment.positioned.count > 0
    for entry in entries {
      entry.distribute(into: &deliveries, forMonitors: hasMonitors, withPositions: hasPositioned)
    }
    for (index, delivery) in deliveries.enumerated() where !delivery.isEmpty {
      if index == port.index { deliver(delivery) } else { loops[index].execute { $0.deliver(delivery) } }
    }
  }

  /// Gives this loop's sessions what is theirs: each answer before the events it caused.
  func deliver(_ outcomes: [Outcome]) {
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
