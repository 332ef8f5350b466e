/// The limits and rules of a workspace. The defaults are those of `Protocol/registry/limits.json`.
package struct WorkspaceRules: Hashable, Sendable {
  /// Whether state changes outside of the transition table are refused.
  package enum Transitions: String, CaseIterable, Hashable, Sendable {
    /// They are refused with `illegal_transition`.
    case strict
    /// They are accepted and counted (``Workspace/irregularTransitions``).
    case lenient
  }

  package var transitions = Transitions.strict
  /// How long a block stands, milliseconds (`service-client-api.block-markdone-timeout`).
  package var blockMarkdoneTimeoutMilliseconds: Int64 = 30_000
  package var interactionsPerWorkspaceMax = 1000
  package var blocksPerInteractionMax = 32
  /// The user data of one interaction, as JSON.
  package var userDataBytesMax = 65_536
  /// One interaction, as JSON; the broker's own attributes count with their longest values.
  package var interactionBytesMax = 98_304
  /// All interactions and blocks of the workspace together, as JSON.
  package var workspaceBytesMax = 3 << 20
  package var warningMessageBytesMax = 1024

  package init() {}
}
