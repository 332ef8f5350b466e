public import struct NIOCore.ByteBuffer

/// Why a text is not a valid message, and its `referenceId`, if that could be read.
public struct MessageFailure: Error, Hashable, Sendable {
  /// What is wrong with the message.
  public var failure: Failure
  /// nil if the message has none, or if it is not valid.
  public var referenceID: ReferenceID?
}

extension ClientMessage {
  /// Decodes one message (Protocol §3.1). Unknown members are ignored. Never traps, whatever the bytes are.
  /// - Throws: ``MessageFailure`` with `malformed_message` for what is no JSON object within the limits, and with
  ///   `invalid_message`, `unsupported_protocol_version` or `unknown_event` for an object that is no message.
  public init(decoding text: ByteBuffer, limits: JSONLimits = JSONLimits()) throws(MessageFailure) {
    if let message = ClientMessage(relayed: text, limits: limits) {
      self = message
    } else {
      try self.init(parsing: text, limits: limits)
    }
  }

  /// Decodes any message by way of its value.
  init(parsing text: ByteBuffer, limits: JSONLimits) throws(MessageFailure) {
    let object = try Self.object(decoding: text, limits: limits)
    var referenceID: ReferenceID?
    do throws(Failure) {
      referenceID = try Self.referenceID(of: object)
      try Self.checkVersion(of: object)
      try Self.checkUserAgent(of: object)
      let messageID = try Self.messageID(of: object)
      let content = try Self.content(of: object)
      self.init(
        content, referenceID: referenceID, messageID: messageID,
        workspaceID: try content.mayNameWorkspace ? Self.workspaceID(of: object) : nil)
    } catch {
      throw MessageFailure(failure: error, referenceID: referenceID)
    }
  }

  private static func object(decoding text: ByteBuffer, limits: JSONLimits) throws(MessageFailure) -> JSONObject {
    do {
      let value = try JSONValue(parsing: text, limits: limits)
      if let object = value.objectValue { return object }
      throw MessageFailure(
        failure: Failure(.malformedMessage, "the message is \(value.kind), expected a JSON object at byte 0"))
    } catch let error as JSONError {
      throw MessageFailure(failure: Failure(.malformedMessage, "the message is not valid JSON: \(error)"))
    } catch let failure as MessageFailure {
      throw failure
    } catch {
      fatalError("unreachable: \(error)")
    }
  }

  private static func referenceID(of object: JSONObject) throws(Failure) -> ReferenceID? {
    switch object["referenceId"] {
    case nil, .null: nil
    case .string(let text): .string(text)
    case .number(let number): .number(number)
    case .boolean(let value): .boolean(value)
    case let other?:
      throw Failure(.invalidMessage, "referenceId is \(other.kind), expected a string, a number or a boolean")
    }
  }

  private static func checkVersion(of object: JSONObject) throws(Failure) {
    switch object["protocolVersion"] {
    case nil: return
    case .number(let number) where number.integer == protocolVersion: return
    case let other?:
      throw Failure(.unsupportedProtocolVersion, "protocolVersion is \(other.jsonText), expected \(protocolVersion)")
    }
  }

  private static func checkUserAgent(of object: JSONObject) throws(Failure) {
    switch object["userAgent"] {
    case nil, .string: return
    case let other?: throw Failure(.invalidMessage, "userAgent is \(other.kind), expected a string")
    }
  }

  private static func messageID(of object: JSONObject) throws(Failure) -> Identifier? {
    switch object["messageId"] {
    case nil, .null: return nil
    case .string(let text) where (1...128).contains(text.utf8.count): return Identifier(text)
    case .string(let text):
      throw Failure(.invalidMessage, "messageId has \(text.utf8.count) bytes, expected 1 to 128 (identifierBytesMax)")
    case let other?: throw Failure(.invalidMessage, "messageId is \(other.kind), expected a string")
    }
  }

  private static func workspaceID(of object: JSONObject) throws(Failure) -> WorkspaceID? {
    switch object["workspaceId"] {
    case nil, .null: return nil
    case .string(let text):
      if let workspace = WorkspaceID(text) { return workspace }
      throw Failure(.invalidMessage, "workspaceId is \"\(text)\", expected 1 to 64 of A-Z a-z 0-9 . _ -")
    case let other?: throw Failure(.invalidMessage, "workspaceId is \(other.kind), expected a string")
    }
  }

  private static func content(of object: JSONObject) throws(Failure) -> Content {
    switch (object["event"], object["request"]) {
    case (nil, nil): throw Failure(.invalidMessage, "the message has neither event nor request")
    case (_?, _?): throw Failure(.invalidMessage, "the message has both event and request, expected one of them")
    case (let event?, nil): try eventContent(of: object, event: event)
    case (nil, let request?): try requestContent(of: object, request: request)
    }
  }

  private static func eventContent(of object: JSONObject, event: JSONValue) throws(Failure) -> Content {
    switch event {
    case "subscribe": .subscribe(try SubscribeOptions(of: object))
    case "ack": try acknowledgement(in: object["data"])
    case "unsubscribe": .unsubscribe(try subscriptionID(in: object["data"]))
    case "publish": try publication(in: object["data"])
    case .string(let name):
      throw Failure(.unknownEvent, "event is \"\(name)\", expected subscribe, unsubscribe, publish or ack")
    case _: throw Failure(.invalidMessage, "event is \(event.kind), expected a string")
    }
  }

  private static func requestContent(of object: JSONObject, request: JSONValue) throws(Failure) -> Content {
    guard let name = request.stringValue else {
      throw Failure(.invalidMessage, "request is \(request.kind), expected a string")
    }
    switch object["parameters"] {
    case nil: return .request(Request(name))
    case .array(let parameters): return .request(Request(name, parameters))
    case let other?: throw Failure(.invalidMessage, "parameters is \(other.kind), expected an array")
    }
  }
}

extension ClientMessage {
  private static func subscriptionID(in data: JSONValue?) throws(Failure) -> SubscriptionID {
    guard let text = data?.stringValue else {
      throw Failure(.invalidMessage, "data is \(data.kind), expected a subscriptionId")
    }
    return SubscriptionID(text)
  }

  private static func publication(in data: JSONValue?) throws(Failure) -> Content {
    guard let publication = data?.objectValue else {
      throw Failure(.invalidMessage, "data is \(data.kind), expected an object with event and data")
    }
    let name = try EventName(in: publication["event"], of: "data.event")
    guard let content = publication["data"] else {
      throw Failure(.invalidMessage, "data.data is missing, expected what is to be published")
    }
    return .publish(name, data: PublishedData(content))
  }

  private static func acknowledgement(in data: JSONValue?) throws(Failure) -> Content {
    guard let members = data?.objectValue else {
      throw Failure(.invalidMessage, "data is \(data.kind), expected an object with an offset")
    }
    let offset = try StreamPosition.offset(in: members["offset"], of: "data.offset")
    guard let workspace = members["workspaceId"], workspace != .null else { return .acknowledge(nil, offset: offset) }
    guard let id = workspace.stringValue.flatMap(WorkspaceID.init) else {
      throw Failure(.invalidMessage, "data.workspaceId is \(workspace.jsonText), expected the id of a workspace")
    }
    return .acknowledge(id, offset: offset)
  }
}

extension ClientMessage.Content {
  /// Whether `workspaceId` means something beside it (Protocol §3.1).
  fileprivate var mayNameWorkspace: Bool {
    switch self {
    case .publish, .request: true
    case .subscribe, .unsubscribe, .acknowledge: false
    }
  }
}

extension Optional<JSONValue> {
  /// What kind of value a member has, "missing" if there is none.
  var kind: String { self?.kind ?? "missing" }
}
