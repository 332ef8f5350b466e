import CasebusAccess
import CasebusProtocol
import CasebusWorkspace

extension Principal {
  /// Whose markdone blocks a session of this principal makes (Protocol §8.2): those of a principal with a name are its
  /// own, and outlive its sessions.
  /// - Parameter session: the session's identifier.
  func blocker(session: String) -> Blocker {
    name.map { .client(Identifier("principal:" + $0.text)) } ?? .session(Identifier(session))
  }
}
