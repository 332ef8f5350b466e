extension Interaction {
  /// The maximum length as JSON in any state, in bytes.
  ///
  /// The attributes that the broker owns (`state`, `previousState`, the flags) count with their longest values, so a state
  /// change never makes an interaction larger and never fails for lack of room (Protocol §6.7).
  public var jsonBytesMax: Int {
    var count = Self.fixedBytes + userData.byteCount + parties.jsonByteCount
    count += interactionID.text.jsonByteCount + caseID.text.jsonByteCount
    count += Self.bytes("parentInteractionId", parentInteractionID?.text)
    count += Self.bytes("callUuid", callUUID) + Self.bytes("ani", ani) + Self.bytes("dnis", dnis)
    count += Self.bytes("direction", direction?.rawValue) + Self.bytes("callType", callType?.rawValue)
    count += Self.bytes("recordingState", recordingState?.rawValue)
    count += Self.bytes("interactionUUID", interactionUUID ?? callUUID) + Self.bytes("media", media)
    return count
  }

  /// The length of a member with its comma or brace; 0 if it is absent.
  private static func bytes(_ name: StaticString, _ text: String?) -> Int {
    guard let text else { return 0 }
    return name.utf8CodeUnitCount + 4 + text.jsonByteCount
  }

  /// The opening brace, the names of the members that are always present, and the longest values that the broker owns.
  private static let fixedBytes: Int = {
    let state = InteractionState.allCases.map(\.rawValue.jsonByteCount).max() ?? 0
    let states = ["state", "previousState"].map { $0.utf8.count + 4 + state }
    let flags = ["isConsultation", "isMainCaseInteraction", "isCaseSelected", "isCaseExpanded"].map {
      $0.utf8.count + 4 + "false".utf8.count
    }
    let names = ["interactionId", "caseId", "userData", "parties"].map { $0.utf8.count + 4 }
    return (states + flags + names).reduce(1, +)
  }()
}

extension [Party] {
  fileprivate var jsonByteCount: Int {
    reduce(2 + Swift.max(0, count - 1)) { $0 + #"{"name":}"#.utf8.count + $1.name.jsonByteCount }
  }
}
