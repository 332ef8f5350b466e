package import CasebusProtocol
import CasebusWorkspace

/// Who somebody acts for when he uses the broker.
package struct Principal: Hashable, Sendable {
  /// nil if he is anonymous.
  package var name: Identifier?

  package init(name: Identifier? = nil) {
    self.name = name
  }

  package static let anonymous = Principal()
}

extension Principal {
  /// Whose markdone blocks a session of this principal makes (Protocol §8.2): those of a principal with a name are its
  /// own, and outlive its sessions.
  /// - Parameter session: the session's identifier.
  func blocker(session: String) -> Blocker {
    name.map { .client(Identifier("principal:" + $0.text)) } ?? .session(Identifier(session))
  }
}
