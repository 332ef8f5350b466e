/// The signature of a request: its name, parameters, connections and permission (Protocol §10).
///
/// There is one file per namespace. `Protocol/registry/requests.json` is the same table; a test compares them.
public struct RequestSignature: Hashable, Sendable {
  /// The name, such as `interaction.markdone`.
  public var name: String
  /// Further names.
  public var aliases: [String]
  /// The positional parameters; optional ones come last.
  public var parameters: [RequestParameter]
  /// The connections on which it works.
  public var scopes: [RequestScope]
  /// The class of permission that it needs.
  public var permission: RequestPermission

  init(
    _ name: String, aliases: [String] = [], _ parameters: [RequestParameter] = [], on scopes: [RequestScope],
    _ permission: RequestPermission
  ) {
    self.name = name
    self.aliases = aliases
    self.parameters = parameters
    self.scopes = scopes
    self.permission = permission
  }
}

/// One parameter of a request.
public struct RequestParameter: Hashable, Sendable {
  /// The name, for messages and documentation.
  public var name: String
  /// The type of its value.
  public var kind: Kind
  /// Whether it may be absent.
  public var isOptional: Bool

  init(_ name: String, _ kind: Kind, isOptional: Bool = false) {
    self.name = name
    self.kind = kind
    self.isOptional = isOptional
  }

  /// The type of a parameter. The raw values are those of the registry.
  public enum Kind: String, CaseIterable, Hashable, Sendable {
    /// The id of an interaction or case: any string.
    case identifier
    case string
    case object
    /// Any value.
    case value
    /// 1 to 128 bytes without control characters.
    case channel
    /// The name of a durable consumer.
    case consumerName
    /// A choice of parked events; see ``ParkedChoice``.
    case parkedChoice
  }
}

/// The kind of connection for a request. The raw values are those of the registry.
public enum RequestScope: String, CaseIterable, Hashable, Sendable {
  /// The connection of one workspace.
  case workspace
  /// The connection of a monitor; the message names a workspace.
  case monitorWithWorkspace
  /// The connection of a monitor; the message names no workspace.
  case monitor
}

extension [RequestScope] {
  /// For requests about one workspace: on the connection of a monitor the message must name it.
  static let oneWorkspace: Self = [.workspace, .monitorWithWorkspace]
  /// For requests about one workspace or about all.
  static let everywhere: Self = RequestScope.allCases
}

/// The class of permission that a request needs. The raw values are those of the registry.
public enum RequestPermission: String, CaseIterable, Hashable, Sendable {
  /// It changes nothing.
  case read
  /// It changes the state of a workspace.
  case write
  /// It sends something to other sessions and changes nothing.
  case publish
  /// It concerns the broker itself, such as its durable consumers.
  case control
}
