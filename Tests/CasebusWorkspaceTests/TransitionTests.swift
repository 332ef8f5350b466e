import CasebusProtocol
import CasebusTestSupport
import CasebusWorkspace
import Testing

@Suite struct TransitionTests {
  /// Every state × every target.
  @Test(arguments: InteractionState.allCases, InteractionState.allCases)
  func sourceMayAssertWhatTheTableHas(_ state: InteractionState, _ target: InteractionState) throws {
    guard var desk = try Desk.with(state) else { return }
    let settled = StateRule.of(state).isTransient ? StateRule.of(.talking) : StateRule.of(state)
    let isAllowed = target == state || target == settled.state || settled.next.contains(target)
    let before = desk.workspace
    if isAllowed {
      let events = try desk.assert(target)
      #expect(events.map(\.title).contains("interaction \(target.rawValue)"))
      #expect(desk.workspace.interaction("1")?.state == (StateRule.of(target).isTerminal ? nil : target))
    } else {
      let failure = try #require(throws: Failure.self) { try desk.assert(target) }
      #expect(failure.code == .illegalTransition)
      #expect(failure.message.contains(state.rawValue) && failure.message.contains("allowed:"))
      #expect(desk.workspace == before)
    }
  }

  /// Lenient rules: everything is taken, and what the table does not have is counted.
  @Test(arguments: InteractionState.allCases, InteractionState.allCases)
  func lenientRulesTakeAndCount(_ state: InteractionState, _ target: InteractionState) throws {
    var rules = WorkspaceRules()
    rules.transitions = .lenient
    var desk = Desk(rules: rules)
    try desk.assert(state)
    let irregularBefore = desk.workspace.irregularTransitions
    #expect((irregularBefore == 0) == StateRule.of(state).isInitial)
    guard desk.workspace.interaction("1") != nil else { return }
    try desk.assert(target)
    let settled = StateRule.of(state).isTransient ? StateRule.of(.unknown) : StateRule.of(state)
    let isRegular = target == state || target == settled.state || settled.next.contains(target)
    #expect(desk.workspace.irregularTransitions == irregularBefore + (isRegular ? 0 : 1))
  }

  @Test(arguments: InteractionState.allCases)
  func newInteractionBeginsInAnInitialState(_ state: InteractionState) throws {
    var desk = Desk()
    if StateRule.of(state).isInitial {
      #expect(try desk.assert(state).map(\.title) == ["interaction \(state.rawValue)"])
      #expect(desk.workspace.interaction("1")?.previousState == nil)
    } else {
      #expect(throws: Failure.self) { try desk.assert(state) }
      #expect(desk.workspace.isEmpty)
    }
  }

  @Test func previousStateIsTheStateBeforeTheLastChange() throws {
    var desk = Desk()
    try desk.assert(.ringing)
    try desk.assert(.talking)
    #expect(desk.workspace.interaction("1")?.previousState == .ringing)
    try desk.assert(.talking, "1", ["ani": "5551"])
    #expect(desk.workspace.interaction("1")?.previousState == .ringing)
    try desk.assert(.held)
    #expect(desk.workspace.interaction("1")?.previousState == .talking)
  }

  @Test func transientStateKeepsTheRulesOfTheStateBefore() throws {
    var desk = Desk()
    try desk.assert(.idle)
    try desk.assert(.userDataAttached)
    try desk.assert(.userDataUpdated)
    #expect(throws: Failure.self) { try desk.run(.setUserData(interactionID: "1", ["a": 1])) }
    #expect(throws: Failure.self) { try desk.assert(.talking) }
    #expect(try desk.run(.markdone(interactionID: "1")).count == 3)
  }

  @Test func givenAttributesOverwriteAndAbsentOnesStay() throws {
    var desk = Desk()
    try desk.assert(.ringing, "1", ["ani": "1", "dnis": "2", "userData": ["a": 1, "b": [true]], "colour": "red"])
    try desk.assert(.talking, "1", ["dnis": nil, "userData": ["c": 1], "isCaseSelected": true, "state": "HELD"])
    let interaction = try #require(desk.workspace.interaction("1"))
    #expect(interaction.ani == "1")
    #expect(interaction.dnis == nil)
    #expect(interaction.userData == ["c": 1])
    #expect(interaction.state == .talking)
    #expect(!interaction.isCaseSelected)
  }

  @Test(
    arguments: [
      ("caseId", 7), ("caseId", ""), ("caseId", nil), ("parentInteractionId", 1), ("userData", []), ("userData", nil),
      ("parties", ["name": "x"]), ("parties", [["phone": "1"]]), ("isConsultation", "yes"),
      ("isMainCaseInteraction", nil),
      ("callUuid", 1), ("direction", "UP"), ("callType", "in"), ("ani", 1), ("dnis", true), ("recordingState", "ON"),
      ("interactionUUID", 1), ("media", 1),
    ] as [(String, JSONValue)])
  func attributeOfTheWrongTypeIsRefusedByName(_ name: String, _ value: JSONValue) throws {
    var desk = Desk()
    try desk.assert(.talking)
    let before = desk.workspace
    let failure = try #require(throws: Failure.self) { try desk.assert(.held, "1", [name: value]) }
    #expect(failure.code == .invalidParameters)
    #expect(failure.message.contains(name))
    #expect(desk.workspace == before)
  }

  @Test func interactionsPerWorkspaceAreLimited() throws {
    var rules = WorkspaceRules()
    rules.interactionsPerWorkspaceMax = 2
    var desk = Desk(rules: rules)
    try desk.assert(.ringing, "1")
    try desk.assert(.ringing, "2")
    let failure = try #require(throws: Failure.self) { try desk.assert(.ringing, "3") }
    #expect(failure.code == .limitExceeded && failure.message.contains("interactionsPerWorkspaceMax"))
    try desk.assert(.talking, "1")
  }
}
