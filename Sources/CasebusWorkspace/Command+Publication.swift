package import CasebusProtocol

extension Command {
  /// The command of a publish (Protocol §5).
  /// - Throws: ``Failure`` with `invalid_parameters` or `not_publishable`.
  package init(publishing name: EventName, data: PublishedData) throws(Failure) {
    switch name {
    case .interaction: try self.init(publishingInteraction: Self.object(data, of: name))
    case .agent, .media, .outbound, .system:
      guard data.isObject else { throw Self.noObject(data.value, of: name) }
      self = .relay(name, data: data)
    case .markdone:
      throw Failure(.notPublishable, "markdone events are decided by the broker, use the request interaction.markdone")
    case .messenger:
      preconditionFailure("messenger messages are not workspace events; the broker routes them itself")
    }
  }

  private static func object(_ data: PublishedData, of name: EventName) throws(Failure) -> JSONObject {
    let value = data.value
    guard let object = value.objectValue else { throw noObject(value, of: name) }
    return object
  }

  private static func noObject(_ value: JSONValue, of name: EventName) -> Failure {
    Failure(.invalidParameters, "the data published as \(name) is \(value.kind), expected an object")
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
