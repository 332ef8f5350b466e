import CasebusProtocol
import CasebusWorkspace
import Testing

@Suite struct CaseTests {
  /// The example of the seed document, with its identifiers.
  @Test func selectingAnotherCaseCollapsesExpandsAndSelects() throws {
    let a = "4401820b-c4e6-4994-69c2-6ae7fdb4905"
    let b = "d4187b87-9fe1-4db8-0515-6a91e666e22d"
    var desk = Desk()
    try desk.assert(.talking, "1", ["caseId": .string(a)])
    try desk.assert(.ringing, "2", ["caseId": .string(b)])
    try desk.run(.selectCase(caseID: Identifier(a)))
    #expect(
      try desk.run(.selectCase(caseID: Identifier(b))).map(\.text) == [
        #"interaction {"eventType":"CASE_COLLAPSED","selectedCaseId":"\#(a)","caseId":"\#(a)"}"#,
        #"interaction {"eventType":"CASE_EXPANDED","selectedCaseId":"\#(a)","caseId":"\#(b)"}"#,
        #"interaction {"eventType":"CASE_SELECTED","selectedCaseId":"\#(b)","caseId":"\#(b)"}"#,
      ])
    #expect(try desk.run(.selectCase(caseID: Identifier(b))) == [])
  }

  @Test func firstSelectionNamesNoSelectedCase() throws {
    var desk = Desk()
    try desk.assert(.talking)
    #expect(
      try desk.run(.selectCase(caseID: "1")).map(\.text) == [
        #"interaction {"eventType":"CASE_EXPANDED","selectedCaseId":null,"caseId":"1"}"#,
        #"interaction {"eventType":"CASE_SELECTED","selectedCaseId":"1","caseId":"1"}"#,
      ])
  }

  @Test func assertedFactChangesOnlyItself() throws {
    var desk = Desk()
    try desk.assert(.talking)
    #expect(try desk.run(.assertCase(.collapsed, caseID: "1")) == [])
    #expect(try desk.run(.assertCase(.selected, caseID: "1")).map(\.title) == ["interaction CASE_SELECTED"])
    #expect(try desk.run(.assertCase(.selected, caseID: "1")) == [])
    #expect(desk.workspace.interaction("1")?.isCaseExpanded == false)
    #expect(try desk.run(.assertCase(.expanded, caseID: "1")).map(\.title) == ["interaction CASE_EXPANDED"])
    #expect(try desk.run(.assertCase(.collapsed, caseID: "1")).map(\.title) == ["interaction CASE_COLLAPSED"])
  }

  @Test(arguments: [Command.selectCase(caseID: "9"), .assertCase(.selected, caseID: "9")])
  func unknownCaseIsNotFound(_ command: Command) throws {
    var desk = Desk()
    try desk.assert(.talking)
    let failure = try #require(throws: Failure.self) { try desk.run(command) }
    #expect(failure.code == .caseNotFound)
  }

  @Test func caseClosesWithItsLastInteraction() throws {
    var desk = Desk()
    try desk.assert(.idle, "1", ["caseId": "c"])
    try desk.assert(.idle, "2", ["caseId": "c"])
    try desk.run(.selectCase(caseID: "c"))
    #expect(try desk.run(.markdone(interactionID: "1")).count == 2)
    #expect(
      try desk.run(.markdone(interactionID: "2")).last?.text
        == #"interaction {"eventType":"CASE_CLOSED","selectedCaseId":"c","caseId":"c"}"#)
    #expect(desk.workspace.selectedCaseID == nil)
    #expect(desk.workspace.expandedCaseIDs == [])
  }

  @Test func consultationBelongsToItsParentsCase() throws {
    var desk = Desk()
    try desk.assert(.talking, "1", ["caseId": "c"])
    try desk.assert(.dialing, "2", ["parentInteractionId": "1", "isConsultation": true])
    #expect(desk.workspace.interaction("2")?.caseID == "c")
    #expect(desk.workspace.interaction("1")?.isMainCaseInteraction == true)
    #expect(desk.workspace.interaction("2")?.isMainCaseInteraction == false)
  }

  @Test func movedInteractionClosesTheCaseThatItLeavesEmpty() throws {
    var desk = Desk()
    try desk.assert(.talking, "1", ["caseId": "a"])
    let events = try desk.assert(.held, "1", ["caseId": "b"])
    #expect(events.map(\.title) == ["interaction HELD", "interaction CASE_CLOSED"])
    #expect(desk.workspace.hasCase("b") && !desk.workspace.hasCase("a"))
  }

  @Test func interactionMovedAndEndedAtOnceClosesBothCases() throws {
    var desk = Desk()
    try desk.assert(.idle, "1", ["caseId": "a"])
    try desk.run(.selectCase(caseID: "a"))
    #expect(
      try desk.assert(.completed, "1", ["caseId": "b"]).map(\.text).suffix(2) == [
        #"interaction {"eventType":"CASE_CLOSED","selectedCaseId":"a","caseId":"a"}"#,
        #"interaction {"eventType":"CASE_CLOSED","selectedCaseId":null,"caseId":"b"}"#,
      ])
  }
}
