/// An interaction as clients see it (Protocol §6.1): the vendor's 18 attributes in their order, and `media`.
public struct Interaction: Hashable, Sendable {
  /// Unique within the workspace; 1–128 bytes.
  public var interactionID: Identifier
  /// The interaction that this one belongs to, such as the call of a consultation; 1–128 bytes. It need not be known.
  public var parentInteractionID: Identifier?
  /// The case of this interaction; 1–128 bytes.
  public var caseID: Identifier
  /// The attached data: members of any JSON type.
  public var userData = JSONObjectText()
  /// The current state.
  public var state: InteractionState
  /// The state before the last change; nil before the first change.
  public var previousState: InteractionState?
  /// The participants.
  public var parties: [Party] = []
  /// Whether this is a consultation.
  public var isConsultation = false
  /// Whether this is the main interaction of its case.
  public var isMainCaseInteraction = false
  /// The telephony system's identifier of the call; voice only.
  public var callUUID: String?
  /// The direction of the call; voice only.
  public var direction: Direction?
  /// The type of the call; voice only.
  public var callType: CallType?
  /// Automatic Number Identification; voice only.
  public var ani: String?
  /// Dialed Number Identification Service; voice only.
  public var dnis: String?
  /// Whether the call is being recorded; voice only.
  public var recordingState: RecordingState?
  /// Whether its case is selected.
  public var isCaseSelected = false
  /// Whether its case is expanded.
  public var isCaseExpanded = false
  /// The `attr_itx_id` of a multimedia interaction; if nil, clients see the `callUuid`.
  public var interactionUUID: String?
  /// "voice", "email", "chat", …
  public var media: String?

  /// A new interaction without optional attributes.
  public init(interactionID: Identifier, caseID: Identifier, state: InteractionState) {
    self.interactionID = interactionID
    self.caseID = caseID
    self.state = state
  }

  /// The direction of a call.
  public enum Direction: String, CaseIterable, Hashable, Sendable {
    case inbound = "IN"
    case outbound = "OUT"
    case unknown = "UNKNOWN"
  }

  /// The type of a call.
  public enum CallType: String, CaseIterable, Hashable, Sendable {
    case `internal` = "INTERNAL"
    case inbound = "INBOUND"
    case outbound = "OUTBOUND"
    case consult = "CONSULT"
    case unknown = "UNKNOWN"
  }

  /// The state of a call's recording.
  public enum RecordingState: String, CaseIterable, Hashable, Sendable {
    case stopped = "STOPPED"
    case recording = "RECORDING"
    case paused = "PAUSED"
  }
}

/// A participant of an interaction (Protocol §6.1).
public struct Party: Hashable, Sendable {
  /// The name for people.
  public var name: String

  /// - Parameter name: the name for people.
  public init(name: String) {
    self.name = name
  }
}
