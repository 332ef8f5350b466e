package import CasebusProtocol

extension Command {
  /// The command that a publish stands for (Protocol §5).
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

  private init(publishingInteraction data: JSONObject) throws(Failure) {
    guard let eventType = data["eventType"]?.stringValue else {
      throw Failure(
        .invalidParameters,
        "eventType is \(data["eventType"]?.kind ?? "missing"), expected a state or CASE_SELECTED, CASE_EXPANDED, CASE_COLLAPSED"
      )
    }
    if let kind = CaseChange.Kind(name: eventType) {
      self = .assertCase(try Self.publishable(kind), caseID: try Self.subject(of: data))
    } else if let state = InteractionState(name: eventType) {
      self = .assertState(state, attributes: try Self.attributes(in: data))
    } else {
      let states = InteractionState.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure(
        .invalidParameters,
        "eventType is \"\(eventType)\", expected CASE_SELECTED, CASE_EXPANDED, CASE_COLLAPSED or one of \(states)")
    }
  }

  private static func publishable(_ kind: CaseChange.Kind) throws(Failure) -> CaseChange.Kind {
    guard kind != .closed else {
      throw Failure(.notPublishable, "CASE_CLOSED is decided by the broker, when the last interaction of a case leaves")
    }
    return kind
  }

  private static func subject(of data: JSONObject) throws(Failure) -> Identifier {
    if let caseID = try data.identifier("caseId") {
      if data["selectedCaseId"] != .null { _ = try data.identifier("selectedCaseId") }
      return caseID
    }
    if let caseID = try data.identifier("selectedCaseId") { return caseID }
    throw Failure(.invalidParameters, "selectedCaseId is missing, expected the identifier of a case")
  }

  private static func attributes(in data: JSONObject) throws(Failure) -> JSONObject {
    guard let attributes = data["interaction"]?.objectValue else {
      throw Failure(.invalidParameters, "interaction is \(data["interaction"]?.kind ?? "missing"), expected an object")
    }
    guard try attributes.identifier("interactionId") != nil else {
      throw Failure(.invalidParameters, "interaction.interactionId is missing, expected a string")
    }
    return attributes
  }
}
