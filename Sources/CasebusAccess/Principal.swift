package import CasebusProtocol

/// Who a session acts for.
package struct Principal: Hashable, Sendable {
  /// nil if the principal is anonymous.
  package let name: Identifier?
  /// What the principal may do; nil means everything: the broker has no authentication.
  ///
  /// It is one reference because the caller of every message carries its principal.
  package let grant: Grant?

  package init(name: Identifier? = nil, grant: Grant? = nil) {
    self.name = name
    self.grant = grant
  }

  /// Everybody, on a broker without authentication.
  package static let anonymous = Principal()
}

/// What a token or the configuration lets a principal do.
package final class Grant: Hashable, Sendable {
  package let role: Role
  package let workspaces: [WorkspacePattern]
  /// The names of events that may be subscribed to and published; nil for all that the role permits.
  package let events: [NamePattern]?
  /// The requests that may be made; nil for all that the role permits.
  package let requests: [NamePattern]?
  /// Seconds since 1970; from then on the grant is over. nil for never.
  package let expiresAt: Int64?
  /// Seconds since 1970 when the token was made; nil if it does not say.
  package let issuedAt: Int64?
  /// The claim `jti` of the token.
  package let tokenID: Identifier?

  package init(
    role: Role, workspaces: [WorkspacePattern], events: [NamePattern]? = nil, requests: [NamePattern]? = nil,
    expiresAt: Int64? = nil, issuedAt: Int64? = nil, tokenID: Identifier? = nil
  ) {
    self.role = role
    self.workspaces = workspaces
    self.events = events
    self.requests = requests
    self.expiresAt = expiresAt
    self.issuedAt = issuedAt
    self.tokenID = tokenID
  }

  package static func == (left: Grant, right: Grant) -> Bool {
    left === right
      || left.role == right.role && left.workspaces == right.workspaces && left.events == right.events
        && left.requests == right.requests && left.expiresAt == right.expiresAt && left.issuedAt == right.issuedAt
        && left.tokenID == right.tokenID
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(role)
    hasher.combine(workspaces)
    hasher.combine(tokenID)
  }
}
