import CasebusProtocol
import Logging

/// The open sessions of one event loop, by number.
final class SessionTable {
  private let environment: BrokerEnvironment
  /// The index of the loop.
  private let loop: Int
  private var sessions: [UInt64: Session] = [:]
  private var lastNumber: UInt64 = 0

  init(_ environment: BrokerEnvironment, loop: Int) {
    self.environment = environment
    self.loop = loop
  }

  subscript(number: UInt64) -> Session? { sessions[number] }

  var all: some Collection<Session> { sessions.values }

  /// The number, the key and the identifier are new.
  /// - Parameter makeSession: makes the session with them.
  func open(_ makeSession: (SessionKey, _ id: String) -> Session) -> Session {
    lastNumber += 1
    let key = SessionKey(loop: loop, number: lastNumber)
    let session = makeSession(key, environment.id(of: key))
    sessions[key.number] = session
    if case .all = session.scope { environment.monitors.add() }
    logOpened(session)
    return session
  }

  /// Forgets a session that has ended, and gives back its place.
  func remove(_ session: Session) {
    sessions[session.key.number] = nil
    session.reservation.release()
    if session.wantsPositions { environment.positioned.remove() }
    if case .all = session.scope { environment.monitors.remove() }
  }

  private func logOpened(_ session: Session) {
    var metadata: Logger.Metadata = [
      "session": "\(session.id)", "workspace": "\(session.scope)", "from": "\(session.origin.address)",
    ]
    if let identity = session.origin.identity { metadata["identity"] = "\(identity)" }
    environment.logger.info("session opened", metadata: metadata)
  }
}

@available(*, unavailable)
extension SessionTable: Sendable {}
