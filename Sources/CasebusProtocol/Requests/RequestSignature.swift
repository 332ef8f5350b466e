/// What a client may ask for: how a request is called, what it takes, and who may make it (Protocol §10).
///
/// The rows are in one file for each namespace. `Protocol/registry/requests.json` has the same ones; a test compares them.
public struct RequestSignature: Hashable, Sendable {
  /// Such as `interaction.markdone`.
  public var name: String
  /// Further names under which it is taken.
  public var aliases: [String]
  /// Positional; optional ones come last.
  public var parameters: [RequestParameter]
  /// On which connections it may be made.
  public var scopes: [RequestScope]
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
  public var name: String
  public var kind: Kind
  public var isOptional: Bool

  init(_ name: String, _ kind: Kind, isOptional: Bool = false) {
    self.name = name
    self.kind = kind
    self.isOptional = isOptional
  }

  /// What a parameter must be. The raw values are those of the registry.
  public enum Kind: String, CaseIterable, Hashable, Sendable {
    /// Any string; one that names nothing is not found.
    case identifier
    case string
    case object
    /// Any value.
    case value
    /// 1 to 128 bytes without control characters.
    case channel
    /// The name of a durable consumer.
    case consumerName
    /// Which parked events are meant; see ``ParkedChoice``.
    case parkedChoice
  }
}

/// A kind of connection, as far as it matters to a request. The raw values are those of the registry.
public enum RequestScope: String, CaseIterable, Hashable, Sendable {
  /// The connection of one workspace.
  case workspace
  /// The connection of a monitor; the message names a workspace.
  case monitorWithWorkspace
  /// The connection of a monitor; the message names no workspace.
  case monitor
}

extension [RequestScope] {
  /// What concerns one workspace: on the connection of a monitor, the message must name it.
  static let oneWorkspace: Self = [.workspace, .monitorWithWorkspace]
  /// What concerns one workspace, or all of them.
  static let everywhere: Self = RequestScope.allCases
}

/// What a request does, in the sense of who may be allowed to make it. The raw values are those of the registry.
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
