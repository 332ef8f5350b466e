import CasebusProtocol
import CasebusTestSupport
import NIOCore
import Testing

/// How large an interaction counts (Protocol §6.7).
@Suite struct InteractionBytesTests {
  static let texts = ["", "x", "\u{1}\u{1F}\"\\\n", "Zürich", String(repeating: "long ", count: 20)]

  @Test(arguments: 0..<300)
  func interactionIsNeverLongerThanItCounts(_ seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    var interaction = Self.interaction(using: &random)
    let count = interaction.jsonBytesMax
    for state in InteractionState.allCases {
      interaction.state = state
      interaction.previousState = [nil, state].randomElement(using: &random)!
      interaction.isCaseSelected = .random(using: &random)
      interaction.isConsultation = .random(using: &random)
      #expect(interaction.jsonBytesMax == count)
      #expect(interaction.json.readableBytes <= count)
    }
    interaction.state = .historyInProgress
    interaction.previousState = .historyInProgress
    (interaction.isConsultation, interaction.isMainCaseInteraction) = (false, false)
    (interaction.isCaseSelected, interaction.isCaseExpanded) = (false, false)
    #expect(interaction.json.readableBytes == count)
  }

  static func interaction(using random: inout SplitMix64) -> Interaction {
    func text() -> String { texts.randomElement(using: &random)! }
    func optional() -> String? { Bool.random(using: &random) ? text() : nil }
    var interaction = Interaction(interactionID: Identifier(text()), caseID: Identifier(text()), state: .unknown)
    interaction.userData = [text(): .string(text())]
    interaction.parties = (0..<Int.random(in: 0...3, using: &random)).map { _ in Party(name: text()) }
    (interaction.parentInteractionID, interaction.media) = (optional().map(Identifier.init(_:)), optional())
    (interaction.callUUID, interaction.interactionUUID) = (optional(), optional())
    (interaction.ani, interaction.dnis) = (optional(), optional())
    interaction.direction = [nil, .inbound, .unknown].randomElement(using: &random)!
    interaction.callType = [nil, .consult, .internal].randomElement(using: &random)!
    interaction.recordingState = [nil, .paused, .recording].randomElement(using: &random)!
    return interaction
  }
}

extension Interaction {
  fileprivate var json: ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeJSON(self)
    return buffer
  }
}
