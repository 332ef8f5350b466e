/// What a workspace allows. The defaults are those of `Protocol/registry/limits.json`.
public struct WorkspaceRules: Hashable, Sendable {
  /// Whether state changes outside of the transition table are refused.
  public enum Transitions: String, CaseIterable, Hashable, Sendable {
    /// They are refused with `illegal_transition`.
    case strict
    /// They are accepted and counted (``Workspace/irregularTransitions``).
    case lenient
  }

  public var transitions = Transitions.strict
  /// How long a block stands, milliseconds (`service-client-api.block-markdone-timeout`).
  public var blockMarkdoneTimeoutMilliseconds: Int64 = 30_000
  public var interactionsPerWorkspaceMax = 1000
  public var blocksPerInteractionMax = 32
  /// The user data of one interaction, as JSON.
  public var userDataBytesMax = 65_536
  /// One interaction, as JSON; what the broker writes itself counts with its longest values.
  public var interactionBytesMax = 98_304
  /// All interactions and blocks of the workspace together, as JSON.
  public var workspaceBytesMax = 3 << 20
  public var warningMessageBytesMax = 1024

  public init() {}
}
