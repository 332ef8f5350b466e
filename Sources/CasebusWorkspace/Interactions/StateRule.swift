package import CasebusProtocol

/// What may happen to an interaction in one state: a row of `Protocol/registry/interaction-states.json`, where the
/// reason for each row stands. A test holds the two equal.
package struct StateRule: Hashable, Sendable {
  package let state: InteractionState
  /// A source may begin an interaction in this state.
  package var isInitial = false
  /// The interaction leaves the workspace after the event.
  package var isTerminal = false
  /// The interaction may be marked done.
  package var allowsMarkdone = false
  /// User data may be written.
  package var isLive = false
  /// The state says that something was touched, not where the interaction stands: rules are those of the state before.
  package var isTransient = false
  /// The states that a source may assert next; the state itself can always be asserted again.
  package var next: Set<InteractionState> = []

  /// The rule of a state.
  package static func of(_ state: InteractionState) -> StateRule {
    table[state]!
  }

  /// All states in the order of the seed document that hold for the predicate, for messages to people.
  package static func states(where holds: (StateRule) -> Bool) -> [InteractionState] {
    InteractionState.allCases.filter { holds(of($0)) }
  }

  static func list(where holds: (StateRule) -> Bool) -> String {
    states(where: holds).map(\.rawValue).joined(separator: ", ")
  }
}
