package import CasebusProtocol

/// What somebody wants of a workspace: a source asserts, a client asks, a session ends.
package enum Command: Hashable, Sendable {
  /// A source says which state an interaction is in now; the attributes are those of the published interaction.
  case assertState(InteractionState, attributes: JSONObject)
  /// A source says what the agent did to a case on the desktop.
  case assertCase(CaseChange.Kind, caseID: Identifier)
  /// An event of a namespace of which the broker keeps no state.
  case relay(EventName, data: JSONValue)
  case setUserData(interactionID: Identifier, JSONObject)
  case deleteUserData(interactionID: Identifier, key: String)
  case selectCase(caseID: Identifier)
  case markdone(interactionID: Identifier)
  case blockMarkdone(interactionID: Identifier, warningMessage: String)
  case unblockMarkdone(interactionID: Identifier)
  /// The blocker is gone for good; its blocks go with it.
  case blockerLeft
}
