/// What a client can ask for (Protocol §10), with checked parameters.
public enum Request: Hashable, Sendable {
  case deleteUserData(interactionID: Identifier, key: String)
  case getByInteractionID(Identifier)
  case getInteractions
  case selectCase(caseID: Identifier)
  case setUserData(interactionID: Identifier, JSONObject)
  case markdone(interactionID: Identifier)
  case blockMarkdone(interactionID: Identifier, warningMessage: String)
  case unblockMarkdone(interactionID: Identifier)
  /// The event is always ``EventName/messenger(channel:)``.
  case broadcastMessage(EventName, message: JSONValue)
  case getAllowedServices
  case listConsumers
  case getConsumer(ConsumerName)
  case deleteConsumer(ConsumerName)
  case redeliver(ConsumerName, ParkedChoice)

  /// The names of all requests, in alphabetical order, without aliases.
  public static let names: [String] = readers.keys.filter { $0 != selectCaseAlias }.map(\.text).sorted()

  /// Whether a request has this name or alias.
  public static func isKnown(_ name: String) -> Bool { readers[Identifier(name)] != nil }

  /// Checks a request's name and parameters.
  /// - Throws: ``Failure`` with `unknown_request`, or with `invalid_parameters` that names the parameter.
  public init(name: String, parameters: [JSONValue]) throws(Failure) {
    guard let read = Self.readers[Identifier(name)] else { throw .unknownRequest(name) }
    self = try read(RequestParameters(request: name, values: parameters))
  }

  private typealias Reader = @Sendable (RequestParameters) throws(Failure) -> Request

  private static let readers: [Identifier: Reader] = [
    "consumer.delete": { p throws(Failure) in
      try p.expect("name")
      return .deleteConsumer(try p.consumer(0, named: "name"))
    },
    "consumer.get": { p throws(Failure) in
      try p.expect("name")
      return .getConsumer(try p.consumer(0, named: "name"))
    },
    "consumer.list": { p throws(Failure) in
      try p.expect()
      return .listConsumers
    },
    "consumer.redeliver": { p throws(Failure) in
      try p.expect("name", "which")
      return .redeliver(try p.consumer(0, named: "name"), try p.parkedChoice(1, named: "which"))
    },
    "interaction.deleteUserData": { p throws(Failure) in
      try p.expect("interactionId", "key")
      return .deleteUserData(
        interactionID: try p.identifier(0, named: "interactionId"), key: try p.string(1, named: "key"))
    },
    "interaction.getByInteractionId": { p throws(Failure) in
      try p.expect("interactionId")
      return .getByInteractionID(try p.identifier(0, named: "interactionId"))
    },
    "interaction.getInteractions": { p throws(Failure) in
      try p.expect()
      return .getInteractions
    },
    "interaction.selectCaseByCaseId": selectCase,
    selectCaseAlias: selectCase,
    "interaction.setUserData": { p throws(Failure) in
      try p.expect("interactionId", "keyValues")
      return .setUserData(
        interactionID: try p.identifier(0, named: "interactionId"), try p.object(1, named: "keyValues"))
    },
    "interaction.markdone": { p throws(Failure) in
      try p.expect("interactionId")
      return .markdone(interactionID: try p.identifier(0, named: "interactionId"))
    },
    "interaction.blockMarkdone": { p throws(Failure) in
      try p.expect("interactionId", "warningMessage")
      return .blockMarkdone(
        interactionID: try p.identifier(0, named: "interactionId"),
        warningMessage: try p.string(1, named: "warningMessage")
      )
    },
    "interaction.unblockMarkdone": { p throws(Failure) in
      try p.expect("interactionId")
      return .unblockMarkdone(interactionID: try p.identifier(0, named: "interactionId"))
    },
    "messenger.broadcastMessage": { p throws(Failure) in
      try p.expect("channel", "message")
      return .broadcastMessage(try p.channel(0, named: "channel"), message: p.values[1])
    },
    "system.getAllowedServices": { p throws(Failure) in
      try p.expect()
      return .getAllowedServices
    },
  ]

  /// The seed document spells the method this way, too.
  private static let selectCaseAlias: Identifier = "interaction.selectCaseByCaselId"

  private static let selectCase: Reader = { p throws(Failure) in
    try p.expect("caseId")
    return .selectCase(caseID: try p.identifier(0, named: "caseId"))
  }
}

extension Failure {
  /// No request has this name.
  public static func unknownRequest(_ name: String) -> Failure {
    Failure(.unknownRequest, "Casebus does not offer the request \"\(name)\"")
  }
}
