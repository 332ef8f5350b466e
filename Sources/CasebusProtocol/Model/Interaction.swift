/// An interaction as clients see it: the 18 attributes of the seed document in its order, and `media` (Protocol §6.1).
public struct Interaction: Hashable, Sendable {
  /// Unique within the workspace; 1–128 bytes.
  public var interactionID: Identifier
  public var parentInteractionID: Identifier?
  /// The case that this interaction is part of.
  public var caseID: Identifier
  /// The attached data; every JSON type is kept.
  public var userData = JSONObjectText()
  public var state: InteractionState
  /// The state before the last change; nil for an interaction that has had only one.
  public var previousState: InteractionState?
  public var parties: [Party] = []
  public var isConsultation = false
  /// Whether this is the interaction its case is mainly about.
  public var isMainCaseInteraction = false
  /// Voice only.
  public var callUUID: String?
  /// Voice only.
  public var direction: Direction?
  /// Voice only.
  public var callType: CallType?
  /// Automatic Number Identification; voice only.
  public var ani: String?
  /// Dialed Number Identification Service; voice only.
  public var dnis: String?
  /// Voice only.
  public var recordingState: RecordingState?
  /// Mirrors its case.
  public var isCaseSelected = false
  /// Mirrors its case.
  public var isCaseExpanded = false
  /// The `attr_itx_id` of a multimedia interaction; where it was not given, clients see the `callUuid`.
  public var interactionUUID: String?
  /// "voice", "email", "chat", …
  public var media: String?

  public init(interactionID: Identifier, caseID: Identifier, state: InteractionState) {
    self.interactionID = interactionID
    self.caseID = caseID
    self.state = state
  }

  public enum Direction: String, CaseIterable, Hashable, Sendable {
    case inbound = "IN"
    case outbound = "OUT"
    case unknown = "UNKNOWN"
  }

  public enum CallType: String, CaseIterable, Hashable, Sendable {
    case `internal` = "INTERNAL"
    case inbound = "INBOUND"
    case outbound = "OUTBOUND"
    case consult = "CONSULT"
    case unknown = "UNKNOWN"
  }

  public enum RecordingState: String, CaseIterable, Hashable, Sendable {
    case stopped = "STOPPED"
    case recording = "RECORDING"
    case paused = "PAUSED"
  }
}

/// Somebody who takes part in an interaction (seed document, Party).
public struct Party: Hashable, Sendable {
  public var name: String

  public init(name: String) {
    self.name = name
  }
}
