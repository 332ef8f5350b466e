public import struct NIOCore.ByteBuffer

extension ServerMessage {
  /// Decodes what a broker said, for clients: `event` is looked at first, then `errorMessage`, `subscriptionId`, `data`.
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
      self = .event(name: name, data: object["data"] ?? .null, workspaceID: object["workspaceId"]?.stringValue)
    } else {
      try self.init(answer: object)
    }
  }

  private init(answer object: JSONObject) throws(Failure) {
    let referenceID = object["referenceId"].flatMap(ReferenceID.init)
    if let message = object["errorMessage"] {
      let code = object["errorCode"]?.stringValue ?? ""
      self = .failure(referenceID, code: code, message: message.stringValue ?? message.jsonText)
    } else if let id = object["subscriptionId"]?.stringValue {
      self = .subscribed(referenceID, SubscriptionID(id))
    } else if let data = object["data"] {
      self = .response(referenceID, data: data)
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
