public import CasebusProtocol

/// What somebody wants of a workspace: a source asserts, a client asks, a session ends.
public enum Command: Hashable, Sendable {
  /// A source says which state an interaction is in now; the attributes are those of the published interaction.
  case assertState(InteractionState, attributes: JSONObject)
  /// A source says what the agent did to a case on the desktop.
  case assertCase(CaseChange.Kind, caseID: String)
  /// An event of a namespace of which the broker keeps no state.
  case relay(EventName, data: JSONValue)
  case setUserData(interactionID: String, JSONObject)
  case deleteUserData(interactionID: String, key: String)
  case selectCase(caseID: String)
  case markdone(interactionID: String)
  case blockMarkdone(interactionID: String, warningMessage: String)
  case unblockMarkdone(interactionID: String)
  /// The blocker is gone for good; its blocks go with it.
  case blockerLeft
}
