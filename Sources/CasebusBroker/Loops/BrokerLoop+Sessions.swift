import CasebusJournal
import CasebusProtocol
import Logging

/// The sessions of this loop, and their way to the workspaces.
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
    session.leaveConsumer(.ended)
    sessions[session.key.number] = nil
    session.reservation.release()
    if session.wantsPositions { environment.positioned.remove() }
    switch session.scope {
    case .workspace(let workspace): detach(session, from: workspace)
    case .all:
      environment.monitors.remove()
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
    onLoop(of: workspace) { $0.left(key, blocker: blocker, workspace) }
  }

  /// Runs something on the loop that hosts a workspace: at once if that is this one.
  func onLoop(of workspace: WorkspaceID, _ body: @escaping @Sendable (BrokerLoop) -> Void) {
    let target = environment.loops.host(of: workspace)
    if target.index == port.index { body(self) } else { target.execute(body) }
  }
}
