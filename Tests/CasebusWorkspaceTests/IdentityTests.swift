import CasebusProtocol
import CasebusWorkspace
import Testing

/// Two texts that look the same and have other bytes are two identifiers (Protocol §1).
@Suite struct IdentityTests {
  static let composed = "\u{E9}"
  static let decomposed = "e\u{301}"

  @Test func interactionsThatLookTheSameAreTwo() throws {
    var desk = Desk()
    try desk.assert(.ringing, Self.composed)
    try desk.assert(.talking, Self.decomposed)
    #expect(desk.workspace.interactions.map(\.state) == [.ringing, .talking])
    #expect(desk.workspace.interactions.map { Array($0.interactionID.text.utf8).count } == [2, 3])
    #expect(desk.workspace.interaction(Identifier(Self.decomposed))?.state == .talking)
  }

  @Test func casesThatLookTheSameAreTwo() throws {
    var desk = Desk()
    try desk.assert(.ringing, "1", ["caseId": .string(Self.composed)])
    #expect(!desk.workspace.hasCase(Identifier(Self.decomposed)))
    let failure = try #require(throws: Failure.self) {
      try desk.run(.selectCase(caseID: Identifier(Self.decomposed)))
    }
    #expect(failure.code == .caseNotFound)
    try desk.assert(.ringing, "2", ["caseId": .string(Self.decomposed)])
    try desk.run(.assertCase(.selected, caseID: Identifier(Self.composed)))
    #expect(desk.workspace.interactions.map(\.isCaseSelected) == [true, false])
    // Both are the main interaction of their case.
    #expect(desk.workspace.interactions.map(\.isMainCaseInteraction) == [true, true])
  }

  @Test func moveToACaseThatLooksTheSameIsAMove() throws {
    var desk = Desk()
    try desk.assert(.ringing, "1", ["caseId": .string(Self.composed)])
    let events = try desk.assert(.ringing, "1", ["caseId": .string(Self.decomposed)])
    #expect(events.map(\.title) == ["interaction RINGING", "interaction CASE_CLOSED"])
  }

  @Test func parentThatLooksTheSameIsAnother() throws {
    var desk = Desk()
    try desk.assert(.ringing, Self.composed, ["caseId": "c"])
    try desk.assert(.dialing, "2", ["parentInteractionId": .string(Self.decomposed)])
    #expect(desk.workspace.interaction("2")?.caseID == "2")
  }

  @Test func userDataKeysThatLookTheSameAreTwo() throws {
    var desk = Desk()
    try desk.assert(.ringing)
    try desk.run(.setUserData(interactionID: "1", [Self.composed: 1, Self.decomposed: 2]))
    try desk.run(.deleteUserData(interactionID: "1", key: Self.decomposed))
    #expect(desk.workspace.interaction("1")?.userData == [Self.composed: 1])
  }

  @Test func blockersThatLookTheSameAreTwo() throws {
    var desk = Desk()
    try desk.assert(.idle)
    let block = Command.blockMarkdone(interactionID: "1", warningMessage: "")
    try desk.run(block, by: .client(Identifier(Self.composed)))
    try desk.run(block, by: .client(Identifier(Self.decomposed)))
    #expect(desk.workspace.blocks.count == 2)
  }

  /// U+212A looks like K, and `"TAL\u{212A}ING" == "TALKING"` in Swift.
  @Test(
    arguments: [
      ["eventType": "TAL\u{212A}ING", "interaction": ["interactionId": "1"]],
      ["eventType": "RINGING", "interaction": ["interactionId": "1", "callType": "UN\u{212A}NOWN"]],
      ["eventType": "RINGING", "interaction": ["interactionId": "1", "direction": "UN\u{212A}NOWN"]],
    ] as [JSONValue])
  func wordThatOnlyLooksLikeAStateIsNone(_ data: JSONValue) throws {
    let failure = try #require(throws: Failure.self) {
      var desk = Desk()
      try desk.run(Command(publishing: .interaction, data: PublishedData(data)))
    }
    #expect(failure.code == .invalidParameters)
  }
}
