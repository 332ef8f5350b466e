/// What the broker says to a client (Protocol §3.4).
public enum ServerMessage: Hashable, Sendable {
  /// The result of what was asked.
  case response(ReferenceID?, data: JSONValue)
  /// The answer to a subscribe.
  case subscribed(ReferenceID?, SubscriptionID)
  /// What was asked was not done.
  case failure(ReferenceID?, code: String, message: String)
  /// Something that happened. `workspaceID` is set for monitors only.
  case event(name: String, data: JSONValue, workspaceID: String?)
}
