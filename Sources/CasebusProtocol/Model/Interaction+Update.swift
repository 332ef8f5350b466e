extension Interaction {
  /// Overwrites the given attributes. Absent ones stay, null removes an optional one; unknown ones and those that the
  /// broker owns (`state`, `previousState`, `isCaseSelected`, `isCaseExpanded`) are ignored (Protocol §5.3).
  /// - Throws: ``Failure`` with `invalid_parameters` that names the attribute; this value is then half-updated.
  public mutating func update(from attributes: JSONObject) throws(Failure) {
    caseID = try attributes.identifier("caseId") ?? caseID
    if attributes["parentInteractionId"] == .null {
      parentInteractionID = nil
    } else {
      parentInteractionID = try attributes.identifier("parentInteractionId") ?? parentInteractionID
    }
    userData = try attributes.value("userData", "an object", \.objectValue).map(JSONObjectText.init) ?? userData
    parties = try attributes.parties("parties") ?? parties
    isConsultation = try attributes.value("isConsultation", "a boolean", \.booleanValue) ?? isConsultation
    isMainCaseInteraction =
      try attributes.value("isMainCaseInteraction", "a boolean", \.booleanValue) ?? isMainCaseInteraction
    try updateVoiceAttributes(from: attributes)
    interactionUUID = try attributes.string("interactionUUID", else: interactionUUID)
    media = try attributes.string("media", else: media)
  }

  private mutating func updateVoiceAttributes(from attributes: JSONObject) throws(Failure) {
    callUUID = try attributes.string("callUuid", else: callUUID)
    direction = try attributes.choice("direction", else: direction)
    callType = try attributes.choice("callType", else: callType)
    ani = try attributes.string("ani", else: ani)
    dnis = try attributes.string("dnis", else: dnis)
    recordingState = try attributes.choice("recordingState", else: recordingState)
  }
}

extension JSONObject {
  /// An identifier of 1 to 128 bytes (`identifierBytesMax`), nil if there is no such member.
  /// - Throws: ``Failure`` with `invalid_parameters`.
  public func identifier(_ name: String) throws(Failure) -> Identifier? {
    guard let text = try value(name, "a string", \.stringValue) else { return nil }
    guard (1...128).contains(text.utf8.count) else {
      throw Failure(.invalidParameters, "\(name) has \(text.utf8.count) bytes, expected 1 to 128 (identifierBytesMax)")
    }
    return Identifier(text)
  }

  /// The member as the closure reads it; nil if there is no such member.
  fileprivate func value<Result>(
    _ name: String, _ expected: String, _ read: (JSONValue) -> Result?
  ) throws(Failure) -> Result? {
    guard let value = self[name] else { return nil }
    guard let result = read(value) else {
      throw Failure(.invalidParameters, "\(name) is \(value.kind), expected \(expected)")
    }
    return result
  }

  /// A text member: `current` if absent, nil if null.
  fileprivate func string(_ name: String, else current: String?) throws(Failure) -> String? {
    if self[name] == .null { return nil }
    return try value(name, "a string", \.stringValue) ?? current
  }

  /// A member of a closed set of texts: `current` if absent, nil if null.
  fileprivate func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ name: String, else current: Choice?
  ) throws(Failure) -> Choice? {
    guard let text = try string(name, else: current?.rawValue) else { return nil }
    guard let choice = Choice(name: text) else {
      let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure(.invalidParameters, "\(name) is \"\(text)\", expected one of \(choices)")
    }
    return choice
  }

  fileprivate func parties(_ name: String) throws(Failure) -> [Party]? {
    guard let elements = try value(name, "an array", \.arrayValue) else { return nil }
    var parties: [Party] = []
    for (index, element) in elements.enumerated() {
      guard let party = element["name"]?.stringValue else {
        throw Failure(.invalidParameters, "\(name)[\(index)] has no name, expected {\"name\": <string>}")
      }
      parties.append(Party(name: party))
    }
    return parties
  }
}
