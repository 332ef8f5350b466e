import CasebusConsole
import CasebusProtocol
import CasebusWorkspace

/// Writes random scripts: the same ones for the same seed and agent.
struct ScriptWriter {
  private var random: SplitMix64
  private var interactionCount = 0
  private var steps: [Step] = []

  init(seed: UInt64, agent: Int) {
    random = SplitMix64(seed: seed, stream: UInt64(agent))
  }

  mutating func write(_ kind: Script.Kind) -> Script {
    steps = []
    switch kind {
    case .inboundCall: writeInboundCall()
    case .outboundCall: writeOutboundCall()
    case .previewCall: writePreviewCall()
    case .consultationCall: writeConsultationCall()
    case .chat: writeChat()
    case .transferredChat: writeTransferredChat()
    case .conferenceChat: writeConferenceChat()
    case .emailReply: writeEmailReply()
    case .transferredEmail: writeTransferredEmail()
    }
    return Script(kind: kind, steps: steps)
  }
}

// MARK: - Interactions

/// An interaction in a script that is being written.
struct ScriptedInteraction {
  /// The prefix of all interaction ids of the simulator.
  static let idPrefix = "sim-"

  let id: String
  let caseID: String
  let customer: Customer
  /// The attributes that the source publishes at its beginning.
  var opening: JSONObject = [:]
  /// The user data at this point of the script.
  var userData: JSONObject = [:]
}

extension ScriptWriter {
  /// - Parameter word: the kind of interaction, as a part of its id.
  mutating func newInteraction(_ word: String, media: String) -> ScriptedInteraction {
    interactionCount += 1
    var interaction = ScriptedInteraction(
      id: "\(ScriptedInteraction.idPrefix)\(word)-\(interactionCount)",
      caseID: "\(ScriptedInteraction.idPrefix)case-\(interactionCount)", customer: Customer(using: &random))
    interaction.opening = [
      "caseId": .string(interaction.caseID), "media": .string(media),
      "parties": .array([["name": .string(interaction.customer.name)]]),
    ]
    return interaction
  }

  /// An interaction that belongs to another one and its case; the broker derives the case.
  mutating func newInteraction(_ word: String, media: String, childOf parent: ScriptedInteraction)
    -> ScriptedInteraction
  {
    interactionCount += 1
    var interaction = ScriptedInteraction(
      id: "\(ScriptedInteraction.idPrefix)\(word)-\(interactionCount)", caseID: parent.caseID, customer: parent.customer
    )
    interaction.opening = ["parentInteractionId": .string(parent.id), "media": .string(media)]
    return interaction
  }
}

// MARK: - Steps

extension ScriptWriter {
  mutating func add(_ action: Step.Action, to interaction: ScriptedInteraction, after pauseSeconds: ClosedRange<Int>) {
    let pause = Int.random(in: pauseSeconds, using: &random)
    steps.append(Step(pauseSeconds: pause, interactionID: interaction.id, action: action))
  }

  /// The first event of an interaction, with all its attributes.
  mutating func begin(
    _ interaction: ScriptedInteraction, _ state: InteractionState, after pauseSeconds: ClosedRange<Int>
  ) {
    var attributes = interaction.opening
    if !interaction.userData.isEmpty { attributes["userData"] = .object(interaction.userData) }
    publish(state, of: interaction, attributes, after: pauseSeconds)
  }

  mutating func publish(
    _ state: InteractionState, of interaction: ScriptedInteraction, _ attributes: JSONObject = [:],
    after pauseSeconds: ClosedRange<Int>
  ) {
    var allAttributes: JSONObject = ["interactionId": .string(interaction.id)]
    allAttributes.merge(attributes)
    add(.publishState(state, attributes: allAttributes), to: interaction, after: pauseSeconds)
  }

  mutating func selectCase(of interaction: ScriptedInteraction, after pauseSeconds: ClosedRange<Int>) {
    add(.selectCase(caseID: interaction.caseID), to: interaction, after: pauseSeconds)
  }

  mutating func setUserData(
    _ userData: JSONObject, of interaction: inout ScriptedInteraction, after pauseSeconds: ClosedRange<Int>
  ) {
    interaction.userData.merge(userData)
    add(.setUserData(userData), to: interaction, after: pauseSeconds)
  }
}

// MARK: - Chance

extension ScriptWriter {
  mutating func chance(_ percent: Int) -> Bool {
    number(in: 1...100) <= percent
  }

  mutating func number(in range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &random)
  }

  mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
    choices.randomElement(using: &random)!
  }

  /// An identifier as a CTI makes them.
  mutating func uuid(length: Int) -> String {
    String((0..<length).map { _ in "0123456789ABCDEFGHIJKLMNOPQRSTUV".randomElement(using: &random)! })
  }
}
