package import CasebusAccess

/// Whom a session belongs to, as far as its connection tells.
package struct SessionOrigin: Hashable, Sendable {
  /// The client's address, such as `127.0.0.1:50000`.
  package var address: String
  /// Whom the client's TLS certificate is of, as RFC 2253 writes names: `CN=bot-7,O=Acme`; nil if it has shown none.
  package var identity: String?
  /// Who the session acts for.
  package var principal: Principal

  package init(address: String, identity: String? = nil, principal: Principal = .anonymous) {
    self.address = address
    self.identity = identity
    self.principal = principal
  }
}
