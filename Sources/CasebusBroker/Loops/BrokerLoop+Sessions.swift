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
    let id = environment.id(of: key)
    let session = Session(
      id: id, scope: scope, origin: origin, reservation: reservation, encoding: encoding, key: key, sink: sink,
      loop: self,
      logger: environment.logger)
    sessions[key.number] = session
    switch scope {
    case .workspace(let workspace): send(.attach(key, origin.principal), to: workspace)
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
    case .workspace(let workspace): send(.detach(session.key), to: workspace)
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
}
