package import CasebusProtocol

/// What one session may do: what its role, its token and the origin of its page allow together.
///
/// Every function throws ``AccessDenial`` or returns. A workspace that does not exist and one that is forbidden are denied
/// alike: only patterns are looked at.
package struct AccessPolicy: Hashable, Sendable {
  package let principal: Principal
  /// What the origin of the page may request; nil if the client sent no Origin header.
  package let originRequests: OriginRequests?

  package init(_ principal: Principal, originRequests: OriginRequests? = nil) {
    self.principal = principal
    self.originRequests = originRequests
  }

  /// Checks the workspaces of a connection.
  package func connect(to scope: WorkspaceScope) throws(AccessDenial) {
    guard let grant = principal.grant else { return }
    switch scope {
    case .workspace(let workspace): try use(workspace)
    case .all:
      guard grant.mayMonitor else {
        throw AccessDenial("role \(grant.role.rawValue) may not connect to all workspaces, expected workspace=<id>")
      }
    }
  }

  /// Checks the pattern of a monitor, `workspace=team-a.*`.
  package func connect(to pattern: WorkspacePattern) throws(AccessDenial) {
    guard let grant = principal.grant else { return }
    guard grant.role.monitorScope != .never, grant.workspaces.contains(where: { $0.includes(pattern) }) else {
      throw AccessDenial("role \(grant.role.rawValue) may not connect to the workspaces \(pattern)")
    }
  }

  /// Checks the workspace that a message names.
  package func use(_ workspace: WorkspaceID) throws(AccessDenial) {
    guard !sees(workspace) else { return }
    throw AccessDenial("workspace \(workspace) is not one of those that this token allows")
  }

  /// Whether events and answers about a workspace may reach the session.
  package func sees(_ workspace: WorkspaceID) -> Bool {
    guard let grant = principal.grant else { return true }
    return grant.workspaces.contains { $0.matches(workspace) }
  }

  package func subscribe(to event: EventName) throws(AccessDenial) {
    guard let grant = principal.grant else { return }
    let name = event.description
    try grant.check(.subscribe, "subscribe to \(name)")
    try grant.check(event: name, "subscribe to \(name)")
  }

  /// Checks a publish. An event that nobody may publish is not denied here: it fails as `not_publishable`.
  package func publish(_ event: EventName) throws(AccessDenial) {
    guard let grant = principal.grant, let permission = Permission(publishing: event) else { return }
    let name = event.description
    try grant.check(permission, "publish \(name)")
    try grant.check(event: name, "publish \(name)")
  }

  /// Checks a request by its class and its name, not by an alias.
  package func request(_ signature: RequestSignature) throws(AccessDenial) {
    try request(signature.name, Permission(signature.permission))
  }

  /// Checks a request that is not in the ``RequestTable``, such as one of a provider.
  package func request(_ name: String, _ permission: Permission) throws(AccessDenial) {
    if let grant = principal.grant {
      try grant.check(permission, "make the request \(name)")
      if let requests = grant.requests, !requests.contains(where: { $0.matches(name) }) {
        throw AccessDenial(
          "the token of role \(grant.role.rawValue) does not allow the request \(name), expected one of "
            + requests.listed)
      }
    }
    if let originRequests, !originRequests.allow(name) {
      throw AccessDenial("the request \(name) is not allowed for pages of this origin")
    }
  }

  /// Checks the right to administer the broker.
  package func administer() throws(AccessDenial) { try principal.grant?.check(.administer, "administer the broker") }

  /// Checks the right to carry out requests for the broker.
  package func provide() throws(AccessDenial) { try principal.grant?.check(.provide, "provide requests") }

  /// The requests that `system.getAllowedServices` names, in ascending order of their bytes.
  package func allowedRequests(on scope: RequestScope) -> [String] {
    RequestTable.names(on: scope).filter { name in
      guard let signature = RequestTable.signature(named: name) else { return false }
      return (try? request(signature)) != nil
    }
  }
}

extension Grant {
  fileprivate var mayMonitor: Bool {
    switch role.monitorScope {
    case .never: false
    case .withAllWorkspaces: workspaces.contains(.all)
    case .always: true
    }
  }

  fileprivate func check(_ permission: Permission, _ action: String) throws(AccessDenial) {
    guard !role.permissions.contains(permission) else { return }
    let roles = Role.allCases.filter { $0.permissions.contains(permission) }.map(\.rawValue)
    throw AccessDenial("role \(role.rawValue) may not \(action), expected \(roles.joined(separator: " or "))")
  }

  fileprivate func check(event name: String, _ action: String) throws(AccessDenial) {
    guard let events, !events.contains(where: { $0.matches(name) }) else { return }
    throw AccessDenial("the token of role \(role.rawValue) does not allow to \(action), expected \(events.listed)")
  }
}

extension [NamePattern] {
  fileprivate var listed: String { isEmpty ? "none" : map(\.description).joined(separator: ", ") }
}
