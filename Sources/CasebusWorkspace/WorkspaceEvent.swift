package import CasebusProtocol

/// What the state machine decided: what is journaled and fanned out. The state of a workspace is the fold of
/// ``Workspace/evolve(_:)`` over its events.
package enum WorkspaceEvent: Hashable, Sendable {
  /// A source asserted a state (`eventType` is the state), or changed attributes in it.
  case interactionChanged(Interaction)
  /// A client wrote user data; the state is unchanged.
  case userDataChanged(Interaction, isFirst: Bool)
  case caseChanged(CaseChange)
  case markdone(MarkdoneEvent)
  /// Something about a namespace of which the broker keeps no state.
  case relayed(EventName, data: JSONValue)
}

/// Something happened to a case (Protocol §7).
package struct CaseChange: Hashable, Sendable {
  package enum Kind: String, CaseIterable, Hashable, Sendable {
    case collapsed = "CASE_COLLAPSED"
    case expanded = "CASE_EXPANDED"
    case selected = "CASE_SELECTED"
    case closed = "CASE_CLOSED"
  }

  package var kind: Kind
  /// The case that is selected at the moment of the event; nil if none is.
  package var selectedCaseID: Identifier?
  /// The case that this is about.
  package var caseID: Identifier
}

/// Something happened to the marking done of an interaction (Protocol §8).
package struct MarkdoneEvent: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case blocked(MarkdoneBlock, timeoutMilliseconds: Int64)
    case unblocked(Blocker)
    case blockExpired(Blocker)
    case refused(warningMessage: String, remainingMilliseconds: Int64)
    /// The origin is nil for an event of a journal of before there was one.
    case done(by: Origin?)
  }

  /// How an interaction came to be marked done.
  package enum Origin: String, CaseIterable, Hashable, Sendable {
    /// A client asked for it, and no block stood.
    case request
    /// A source says that it happened elsewhere; blocks do not hinder it.
    case publish
  }

  package var kind: Kind
  package var interactionID: Identifier
  package var caseID: Identifier
}

/// Keeps an interaction from being marked done until it is lifted or its deadline has come.
package struct MarkdoneBlock: Hashable, Sendable {
  package var interactionID: Identifier
  package var blocker: Blocker
  /// What the agent is told who tries to mark it done.
  package var warningMessage: String
  package var deadline: Timestamp
}

/// Whose block it is: a client by its identity, which outlives its sessions, or one anonymous session.
package enum Blocker: Hashable, Sendable {
  case client(Identifier)
  case session(Identifier)
}
