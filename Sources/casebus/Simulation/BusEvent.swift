import CasebusProtocol

/// The part of an event that the simulator's clients need.
enum BusEvent: Hashable {
  case interaction(state: InteractionState, id: String, isMain: Bool, userData: JSONObject)
  case blockExpired(interactionID: String)
  case other

  init(name: String, data: JSONValue) {
    if name == "interaction", let interaction = data["interaction"] {
      self.init(interaction: interaction)
    } else if data["eventType"] == "MARKDONE_BLOCK_EXPIRED", let id = data["interactionId"]?.stringValue {
      self = .blockExpired(interactionID: id)
    } else {
      self = .other
    }
  }

  /// An interaction, from its JSON.
  init(interaction json: JSONValue) {
    guard let id = json["interactionId"]?.stringValue,
      let state = json["state"]?.stringValue.flatMap(InteractionState.init(rawValue:))
    else {
      self = .other
      return
    }
    self = .interaction(
      state: state, id: id, isMain: json["isMainCaseInteraction"] == true,
      userData: json["userData"]?.objectValue ?? [:])
  }
}
