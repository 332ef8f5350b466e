extension Interaction {
  /// Reads what ``ByteBuffer/writeJSON(_:)-(Interaction)`` wrote. An `interactionUUID` that mirrors the `callUuid` is read
  /// as a given one.
  /// - Throws: ``Failure`` with `invalid_parameters` that names the attribute.
  public init(decoding members: JSONObject) throws(Failure) {
    guard let id = try members.identifier("interactionId"), let caseID = try members.identifier("caseId") else {
      throw Failure(.invalidParameters, "interactionId or caseId is missing, expected a string")
    }
    self.init(interactionID: id, caseID: caseID, state: try Self.state(in: members, "state") ?? .unknown)
    previousState = try Self.state(in: members, "previousState")
    try update(from: members)
    isCaseSelected = members["isCaseSelected"]?.booleanValue ?? false
    isCaseExpanded = members["isCaseExpanded"]?.booleanValue ?? false
  }

  private static func state(in members: JSONObject, _ name: String) throws(Failure) -> InteractionState? {
    guard let value = members[name] else { return nil }
    guard let state = value.stringValue.flatMap(InteractionState.init(name:)) else {
      throw Failure(.invalidParameters, "\(name) is \(value.jsonText), expected a state of Protocol §6.2")
    }
    return state
  }
}
