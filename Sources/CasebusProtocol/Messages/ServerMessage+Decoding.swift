public import struct NIOCore.ByteBuffer

extension ServerMessage {
  /// Decodes a message of a broker, for clients: `event` is checked first, then `errorMessage`, `subscriptionId`, `data`.
  /// - Throws: ``Failure`` with `malformed_message` or `invalid_message`.
  public init(decoding text: ByteBuffer, limits: JSONLimits = JSONLimits()) throws(Failure) {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: text, limits: limits)
    } catch {
      throw Failure(.malformedMessage, "the message is not valid JSON: \(error)")
    }
    guard let object = value.objectValue else {
      throw Failure(.malformedMessage, "the message is \(value.kind), expected a JSON object")
    }
    if let name = object["event"]?.stringValue {
      self = .event(name: name, data: object["data"] ?? .null, EventLabels(of: object))
    } else {
      try self.init(answer: object)
    }
  }

  private init(answer object: JSONObject) throws(Failure) {
    let referenceID = object["referenceId"].flatMap(ReferenceID.init)
    if let message = object["errorMessage"] {
      let code = object["errorCode"]?.stringValue ?? ""
      let text = message.stringValue ?? message.jsonText
      self = .failure(
        referenceID, code: code, message: text, workspaceID: WorkspaceID(of: object),
        position: StreamPosition(of: object))
    } else if let id = object["subscriptionId"]?.stringValue {
      self = .subscribed(referenceID, SubscribeResult(SubscriptionID(id), of: object))
    } else if let data = object["data"] {
      self = .response(
        referenceID, data: data, workspaceID: WorkspaceID(of: object), position: StreamPosition(of: object))
    } else {
      throw Failure(.invalidMessage, "the message has none of event, errorMessage, subscriptionId, data")
    }
  }
}

extension ReferenceID {
  /// - Returns: nil for what cannot be a reference: null, an array, an object.
  init?(_ value: JSONValue) {
    switch value {
    case .string(let text): self = .string(text)
    case .number(let number): self = .number(number)
    case .boolean(let flag): self = .boolean(flag)
    case .null, .array, .object: return nil
    }
  }
}

extension EventLabels {
  fileprivate init(of message: JSONObject) {
    self.init(
      workspaceID: WorkspaceID(of: message), position: StreamPosition(of: message),
      delivery: message.integer("delivery"))
  }
}

extension WorkspaceID {
  /// - Returns: nil if the message names no workspace.
  fileprivate init?(of message: JSONObject) {
    guard let text = message["workspaceId"]?.stringValue else { return nil }
    self.init(text)
  }
}

extension SubscribeResult {
  fileprivate init(_ id: SubscriptionID, of message: JSONObject) {
    self.init(
      id, durable: message["durable"]?.stringValue.flatMap(ConsumerName.init),
      recovered: message["recovered"]?.booleanValue, position: StreamPosition(of: message))
  }
}

extension StreamPosition {
  /// - Returns: nil if the message has no position.
  fileprivate init?(of message: JSONObject) {
    guard let epoch = message["epoch"]?.stringValue, let offset = message.integer("offset"), offset >= 0 else {
      return nil
    }
    self.init(offset: UInt64(offset), epoch: epoch)
  }
}

extension JSONObject {
  fileprivate func integer(_ name: String) -> Int? {
    if case .number(let number) = self[name] { number.integer } else { nil }
  }
}
