package import CasebusProtocol

/// Something that a client asks to do, as far as its role decides it. The raw values are those of
/// `Protocol/registry/permissions.json`.
package enum Permission: String, CaseIterable, Hashable, Sendable {
  /// Subscribe to events, acknowledge them, and unsubscribe.
  case subscribe
  /// Publish what happens to interactions (Protocol §5.1).
  case publishInteraction
  /// Publish `agent`, `media`, `outbound` or `system` (Protocol §5.7).
  case publishRelay
  /// Publish to a `messenger:` channel.
  case publishMessenger
  /// Make a request of the class `read`.
  case requestRead
  /// Make a request of the class `write`.
  case requestWrite
  /// Make a request of the class `publish`.
  case requestPublish
  /// Make a request of the class `control`.
  case requestControl
  /// Register as the provider of requests.
  case provide
  /// Administer the broker, such as revoking tokens.
  case administer

  package init(_ requestClass: RequestPermission) {
    switch requestClass {
    case .read: self = .requestRead
    case .write: self = .requestWrite
    case .publish: self = .requestPublish
    case .control: self = .requestControl
    }
  }

  /// The permission that a publish needs.
  /// - Returns: nil for `markdone`, which only the broker decides (Protocol §5.1).
  package init?(publishing event: EventName) {
    switch event {
    case .interaction: self = .publishInteraction
    case .agent, .media, .outbound, .system: self = .publishRelay
    case .messenger: self = .publishMessenger
    case .markdone: return nil
    }
  }
}

/// Whether a role may connect to all workspaces at once (`workspace=*`). The raw values are those of the registry.
package enum MonitorScope: String, CaseIterable, Hashable, Sendable {
  case never
  /// Only a principal whose workspaces include `*`.
  case withAllWorkspaces
  /// The principal sees its own workspaces on the connection.
  case always
}

/// The permissions of a role; the table is `Protocol/registry/permissions.json`, too, and a test compares them.
extension Role {
  package var permissions: Set<Permission> {
    switch self {
    case .agent: [.subscribe, .publishMessenger, .requestRead, .requestWrite, .requestPublish]
    case .bot: [.subscribe, .publishMessenger, .requestRead, .requestWrite, .requestPublish, .requestControl]
    case .monitor: [.subscribe, .requestRead]
    case .source:
      [.subscribe, .publishInteraction, .publishRelay, .publishMessenger, .requestRead, .requestPublish]
    case .provider: [.subscribe, .publishRelay, .publishMessenger, .requestRead, .requestPublish, .provide]
    case .admin:
      [
        .subscribe, .publishRelay, .publishMessenger, .requestRead, .requestWrite, .requestPublish, .requestControl,
        .administer,
      ]
    }
  }

  package var monitorScope: MonitorScope {
    switch self {
    case .agent, .source, .provider: .never
    case .bot: .withAllWorkspaces
    case .monitor, .admin: .always
    }
  }
}
