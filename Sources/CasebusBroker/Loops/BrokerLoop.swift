import CasebusAccess
import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import Logging
import NIOCore

/// The broker's part on one event loop. It connects the types that have the sessions, the workspaces and the queues.
///
/// Everything in it is used on that loop only; other loops reach it by its ``LoopPort``.
final class BrokerLoop {
  let port: LoopPort
  let configuration: BrokerConfiguration
  let environment: BrokerEnvironment
  let deflater: FrameDeflater
  let shard: FanoutShard
  let sessions: SessionTable
  let hosts: HostTable
  let commits: CommitQueue
  let inbox: Inbox
  let outbox: DeliveryOutbox
  var router: WorkspaceRouter
  let sessionRouter: SessionRouter
  var ticks = TickScheduler()
  /// Messages that are decided when there is room for what comes of them.
  var window: DecisionWindow
  /// What monitors say and have in the workspaces of this loop.
  var monitors = MonitorAccounts()
  /// Sessions that are read from again at the end of the tick.
  var resumingReaders: [Session] = []
  var replayTurns = ReplayTurns()
  /// Of the durable consumers of all workspaces.
  var consumerRooms: [JournalConsumer.Key: ConsumerRoom] = [:]
  /// The sessions that are still to be closed because the broker stops; nil while it does not.
  private var drain: Drain?
  var counts = BrokerCounts()

  init(port: LoopPort, environment: BrokerEnvironment) {
    self.port = port
    self.environment = environment
    configuration = environment.configuration
    deflater = FrameDeflater(configuration)
    shard = FanoutShard(
      deflater: deflater, monitorRest: .milliseconds(Int64(configuration.monitorWriteIntervalMilliseconds)),
      bytesMax: configuration.fanoutBytesMax)
    sessions = SessionTable(environment, loop: port.index)
    hosts = HostTable(environment)
    commits = CommitQueue(port: port, journal: environment.journal)
    inbox = Inbox(of: port, sessions: sessions, shard: shard)
    outbox = DeliveryOutbox(loopCount: environment.loops.ports.count)
    router = WorkspaceRouter(environment.loops, own: port.index)
    sessionRouter = SessionRouter(environment, own: port.index)
    window = DecisionWindow(bytesMax: configuration.outcomeBytesInFlightMax)
  }

  var loops: [LoopPort] { environment.loops.ports }
  var journal: any EventJournal { environment.journal }
  var consumers: ConsumerDirectory { environment.consumers }
  var logger: Logger { environment.logger }
  var now: Timestamp { environment.now() }
}

// MARK: - Sessions

extension BrokerLoop {
  func open(
    _ scope: WorkspaceScope, reservation: SessionReservation, encoding: MessageEncoding, sink: any SessionSink,
    origin: SessionOrigin
  ) -> Session {
    let session = sessions.open { key, id in
      Session(
        id: id, scope: scope, origin: origin, reservation: reservation, encoding: encoding, key: key, sink: sink,
        loop: self, logger: environment.logger)
    }
    if case .workspace(let workspace) = scope { send(.attach(session.key, origin.principal), to: workspace) }
    if isDraining { close([session.key.number]) }
    return session
  }

  func remove(_ session: Session) {
    shard.remove(session)
    session.leaveConsumer(.ended)
    sessions.remove(session)
    switch session.scope {
    case .workspace(let workspace): send(.detach(session.key), to: workspace)
    case .all:
      let key = session.key
      if session.namesWorkspaces { onAllLoops { $0.endMonitor(key) } }
    }
  }

  func countPositioned() {
    environment.positioned.add()
  }

  func countSlowConsumer() {
    environment.slowConsumers.add()
  }

  /// A session was written to; the writes are sent at the end of the tick.
  func touch(_ session: Session) {
    shard.touch(session)
    scheduleTick()
  }
}

// MARK: - Messages to sessions

extension BrokerLoop {
  /// Sends what became durable to the loops whose sessions it concerns.
  func release(_ releases: consuming [(host: WorkspaceHost, release: WorkspaceRelease)]) {
    sessionRouter.release(releases)
    lookAtInboxes(byTimer: false)
  }

  /// Closes a session of any loop, behind everything that it was sent before.
  func close(_ session: SessionKey, _ code: CloseCode, reason: String) {
    sessionRouter.send([.close(session, code, reason: reason)], to: session.loop)
  }

  /// Messages for sessions of this loop came.
  func receive(_ messages: [SessionMessage]) {
    inbox.append(messages)
    scheduleTick()
  }
}

// MARK: - Workspaces

extension BrokerLoop {
  /// Attaches a session to its workspace; if there are too many workspaces to bring that into memory, closes the session.
  func host(_ session: SessionKey, _ principal: Principal, in workspace: WorkspaceID) {
    guard !hosts.bring(workspace, to: self, beforeLoading: { $0.attach(session, principal) }) else { return }
    close(session, .overloaded, reason: "\(configuration.workspacesMax) workspaces are open (workspacesMax)")
  }

  /// Brings a workspace into memory that nobody is connected to, because something is due in it.
  func wake(_ workspace: WorkspaceID) {
    onLoop(of: workspace) { _ = $0.hosts.bring(workspace, to: $0) }
  }

  /// Does something with the host of a workspace of this loop, which comes into memory for it.
  /// - Returns: whether there was room for the workspace.
  func wake(_ workspace: WorkspaceID, for body: @escaping (WorkspaceHost) -> Void) -> Bool {
    hosts.bring(workspace, to: self) { $0.whenLoaded(body) }
  }

  /// Nobody needs the workspace in memory.
  func remove(_ host: WorkspaceHost) {
    guard hosts[host.id] === host else { return }
    host.storeConsumers()
    host.forgetMonitors(Array(host.monitors.keys))
    hosts.remove(host)
    environment.journal.close(host.id)
  }

  /// Who owns the markdone blocks of a session that is part of no durable consumer (Protocol §8.2).
  func ownBlocker(of session: SessionKey, _ principal: Principal) -> Blocker {
    principal.blocker(session: environment.id(of: session))
  }

  func loadFailed(_ host: WorkspaceHost, _ error: JournalError) {
    environment.logger.error(
      "a workspace cannot be read from the journal", metadata: ["workspace": "\(host.id)", "error": "\(error)"])
    wakeLater(host.id)
  }
}

// MARK: - Stopping

extension BrokerLoop {
  /// Whether the broker stops.
  var isDraining: Bool { drain != nil }

  /// Closes every session when its messages are answered, in batches.
  func drain(within time: TimeAmount) {
    drain = Drain(sessions.all.map(\.key.number), within: time)
    closeBatch()
  }

  private func closeBatch() {
    guard let batch = drain?.takeBatch() else { return }
    close(batch)
    guard drain?.isOver == false else { return }
    port.eventLoop.assumeIsolated().scheduleTask(in: Drain.batchInterval) { self.closeBatch() }
  }

  private func close(_ numbers: some Sequence<UInt64>) {
    for number in numbers { sessions[number]?.drain(reconnectDelayMilliseconds: .random(in: 500...5_000)) }
  }

  /// Ends the connections that are left, without a closing handshake.
  func cutOff() {
    for session in sessions.all { session.sink.cutOff() }
  }
}

@available(*, unavailable)
extension BrokerLoop: Sendable {}
