extension SubscribeOptions {
  /// Reads the members of a subscribe.
  /// - Throws: ``Failure`` with `invalid_message` or `unknown_event` that names the member.
  init(of message: JSONObject) throws(Failure) {
    self.init(
      try Self.eventNames(in: message["data"]), wantsPositions: try Self.wantsPositions(in: message["positions"]),
      since: try Self.resumePoint(in: message["since"]), durable: try Self.consumerName(in: message["durable"]))
    if durable != nil { try checkDurableNames() }
  }

  private static func eventNames(in data: JSONValue?) throws(Failure) -> [EventName] {
    switch data {
    case .string: return [try EventName(in: data, of: "data")]
    case .array(let elements) where !elements.isEmpty:
      var names: [EventName] = []
      var known: Set<EventName> = []
      for (index, element) in elements.enumerated() {
        let name = try EventName(in: element, of: "data[\(index)]")
        if known.insert(name).inserted { names.append(name) }
      }
      return names
    case .array: throw Failure(.invalidMessage, "data is an empty array, expected at least one event name")
    case let other:
      throw Failure(.invalidMessage, "data is \(other.kind), expected an event name or an array of event names")
    }
  }

  private static func wantsPositions(in value: JSONValue?) throws(Failure) -> Bool {
    switch value {
    case nil, .null: return false
    case .boolean(let wanted): return wanted
    case let other?: throw Failure(.invalidMessage, "positions is \(other.kind), expected true or false")
    }
  }

  private static func resumePoint(in value: JSONValue?) throws(Failure) -> ResumePoint? {
    switch value {
    case nil, .null: return nil
    case "beginning": return .beginning
    case .object(let members): return .after(try StreamPosition(in: members))
    case let other?:
      throw Failure(
        .invalidMessage, "since is \(other.kind), expected \"beginning\" or an object with epoch and offset")
    }
  }

  private static func consumerName(in value: JSONValue?) throws(Failure) -> ConsumerName? {
    guard let value, value != .null else { return nil }
    guard let name = value.stringValue.flatMap(ConsumerName.init) else {
      throw Failure(.invalidMessage, "durable is \(value.jsonText), expected 1 to 64 of A-Z a-z 0-9 . _ -")
    }
    return name
  }

  /// Messages to channels are not journaled, so they cannot be delivered later.
  private func checkDurableNames() throws(Failure) {
    for case .messenger(let channel) in names {
      throw Failure(
        .invalidMessage, "data has messenger:\(channel), a durable consumer gets journaled events only, expected none")
    }
  }
}

extension EventName {
  init(in value: JSONValue?, of key: String) throws(Failure) {
    guard let text = value?.stringValue else {
      throw Failure(.invalidMessage, "\(key) is \(value.kind), expected an event name")
    }
    guard let name = EventName(text) else {
      let known = EventName.fixed.map(\.description).joined(separator: ", ")
      let value = text.utf8.count <= 256 ? "\"\(text)\"" : "a text of \(text.utf8.count) bytes"
      throw Failure(.unknownEvent, "\(key) is \(value), expected one of \(known) or messenger:<channel>")
    }
    self = name
  }
}

extension StreamPosition {
  fileprivate init(in members: JSONObject) throws(Failure) {
    guard let epoch = members["epoch"]?.stringValue else {
      throw Failure(.invalidMessage, "since.epoch is \(members["epoch"].kind), expected a string")
    }
    self.init(offset: try Self.offset(in: members["offset"], of: "since.offset"), epoch: epoch)
  }

  /// Reads an offset: an integer that is not negative.
  static func offset(in value: JSONValue?, of key: String) throws(Failure) -> UInt64 {
    guard case .number(let number) = value, let offset = number.integer, offset >= 0 else {
      throw Failure(.invalidMessage, "\(key) is \(value?.jsonText ?? "missing"), expected an integer, 0 or more")
    }
    return UInt64(offset)
  }
}
