package import CasebusProtocol

/// The rule of one state: a row of `Protocol/registry/interaction-states.json`, which has the reason for each row. A
/// test compares them.
package struct StateRule: Hashable, Sendable {
  package let state: InteractionState
  /// An interaction can begin in this state.
  package var isInitial = false
  /// The state removes the interaction from the workspace.
  package var isTerminal = false
  /// The interaction can be marked done.
  package var allowsMarkdone = false
  /// User data can be written.
  package var isLive = false
  /// A transient state: the rule of the state before still applies.
  package var isTransient = false
  /// The states that can follow; the state itself can always be asserted again.
  package var next: Set<InteractionState> = []

  /// The rule of a state.
  package static func of(_ state: InteractionState) -> StateRule {
    table[state]!
  }

  /// All states that satisfy the predicate, in the order of the registry, for messages to people.
  package static func states(where holds: (StateRule) -> Bool) -> [InteractionState] {
    InteractionState.allCases.filter { holds(of($0)) }
  }

  static func list(where holds: (StateRule) -> Bool) -> String {
    states(where: holds).map(\.rawValue).joined(separator: ", ")
  }
}
