import CasebusProtocol

/// The end of a piece of work: it gets a disposition, and is marked done.
extension ScriptWriter {
  /// The user data key that the wrap-up bot requires before a mark done.
  static let dispositionKey = "disposition"

  private static let dispositions = [
    "resolved", "order placed", "callback agreed", "complaint", "sent to back office", "wrong department",
  ]

  /// The agent sets the disposition while the interaction is live.
  mutating func setDisposition(of interaction: inout ScriptedInteraction) {
    setUserData([Self.dispositionKey: .string(pick(Self.dispositions))], of: &interaction, after: 3...10)
  }

  /// Wraps up an interaction whose user data the desktop can no longer write: the source publishes the disposition.
  mutating func wrapUp(_ interaction: inout ScriptedInteraction) {
    if interaction.userData[Self.dispositionKey] == nil {
      if chance(70) { add(.tryMarkdone, to: interaction, after: 2...5) }
      interaction.userData[Self.dispositionKey] = .string(pick(Self.dispositions))
      publish(.userDataUpdated, of: interaction, ["userData": .object(interaction.userData)], after: 4...15)
    }
    add(.markdone, to: interaction, after: 2...6)
  }
}
