package import CasebusProtocol

extension Command {
  /// The command of a publish (Protocol §5).
  /// - Throws: ``Failure`` with `invalid_parameters` or `not_publishable`.
  package init(publishing name: EventName, data: JSONValue) throws(Failure) {
    switch name {
    case .interaction: try self.init(publishingInteraction: Self.object(data, of: name))
    case .agent, .media, .outbound, .system: self = .relay(name, data: .object(try Self.object(data, of: name)))
    case .markdone:
      throw Failure(.notPublishable, "markdone events are decided by the broker, use the request interaction.markdone")
    case .messenger:
      preconditionFailure("messenger messages are not workspace events; the broker routes them itself")
    }
  }

  private static func object(_ data: JSONValue, of name: EventName) throws(Failure) -> JSONObject {
    guard let object = data.objectValue else {
      throw Failure(.invalidParameters, "the data published as \(name) is \(data.kind), expected an object")
    }
    return object
  }

  /// Interactions and cases share one event name; the `eventType` tells them apart.
  private init(publishingInteraction data: JSONObject) throws(Failure) {
    guard let eventType = data["eventType"]?.stringValue else {
      throw Failure(
        .invalidParameters,
        "eventType is \(data["eventType"]?.kind ?? "missing"), expected a state or CASE_SELECTED, CASE_EXPANDED, CASE_COLLAPSED"
      )
    }
    if let kind = CaseEvent.Kind(name: eventType) {
      self = .cases(try CaseCommand(publishing: kind, data))
    } else if let state = InteractionState(name: eventType) {
      self = .interaction(try InteractionCommand(publishing: state, data))
    } else {
      let states = InteractionState.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure(
        .invalidParameters,
        "eventType is \"\(eventType)\", expected CASE_SELECTED, CASE_EXPANDED, CASE_COLLAPSED or one of \(states)")
    }
  }
}
