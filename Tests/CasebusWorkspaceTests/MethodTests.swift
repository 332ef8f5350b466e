import CasebusProtocol
import CasebusWorkspace
import Testing

/// Every method × every state in which an interaction can be.
@Suite struct MethodTests {
  static let states = InteractionState.allCases.filter { !StateRule.of($0).isTerminal }

  /// The rule that governs an interaction of ``Desk/with(_:)``.
  static func rule(_ state: InteractionState) -> StateRule {
    StateRule.of(state).isTransient ? .of(.talking) : .of(state)
  }

  @Test(arguments: states)
  func markdone(_ state: InteractionState) throws {
    var desk = try #require(try Desk.with(state))
    guard Self.rule(state).allowsMarkdone else {
      let failure = try #require(throws: Failure.self) { try desk.run(.markdone(interactionID: "1")) }
      #expect(failure.code == .illegalState && failure.message.contains("is \(state.rawValue)"))
      #expect(failure.message.contains("ACCEPTED"))
      return
    }
    let events = try desk.run(.markdone(interactionID: "1"))
    #expect(events.map(\.title) == ["markdone MARKED_DONE", "interaction COMPLETED", "interaction CASE_CLOSED"])
    #expect(events[1].text.contains(#""state":"COMPLETED","previousState":"\#(state.rawValue)""#))
    #expect(desk.workspace.isEmpty)
  }

  @Test(arguments: states)
  func setUserData(_ state: InteractionState) throws {
    var desk = try #require(try Desk.with(state))
    guard Self.rule(state).isLive else {
      let failure = try #require(throws: Failure.self) { try desk.run(.setUserData(interactionID: "1", ["a": 1])) }
      #expect(failure.code == .illegalState && failure.message.contains("is \(state.rawValue)"))
      return
    }
    #expect(try desk.run(.setUserData(interactionID: "1", [:])) == [])
    #expect(try desk.run(.setUserData(interactionID: "1", ["a": 1])).map(\.title) == ["interaction USER_DATA_ATTACHED"])
    #expect(try desk.run(.setUserData(interactionID: "1", ["a": 2])).map(\.title) == ["interaction USER_DATA_UPDATED"])
    #expect(desk.workspace.interaction("1")?.userData == ["a": 2])
    #expect(desk.workspace.interaction("1")?.state == state)
  }

  @Test(arguments: states)
  func deleteUserData(_ state: InteractionState) throws {
    var desk = try #require(try Desk.with(state))
    guard Self.rule(state).isLive else {
      let failure = try #require(throws: Failure.self) { try desk.run(.deleteUserData(interactionID: "1", key: "a")) }
      #expect(failure.code == .illegalState)
      return
    }
    try desk.run(.setUserData(interactionID: "1", ["a": 1]))
    #expect(try desk.run(.deleteUserData(interactionID: "1", key: "b")) == [])
    #expect(
      try desk.run(.deleteUserData(interactionID: "1", key: "a")).map(\.title) == ["interaction USER_DATA_UPDATED"])
    #expect(try desk.run(.setUserData(interactionID: "1", ["c": 1])).map(\.title) == ["interaction USER_DATA_ATTACHED"])
  }

  @Test(arguments: states)
  func blockAndUnblock(_ state: InteractionState) throws {
    var desk = try #require(try Desk.with(state))
    #expect(try desk.run(.unblockMarkdone(interactionID: "1")) == [])
    let blocked = try desk.run(.blockMarkdone(interactionID: "1", warningMessage: "wait"))
    #expect(
      blocked.map(\.text) == [
        #"markdone {"eventType":"MARKDONE_BLOCKED","interactionId":"1","caseId":"1","warningMessage":"wait","timeout":30000}"#
      ])
    let unblocked = try desk.run(.unblockMarkdone(interactionID: "1"))
    #expect(
      unblocked.map(\.text) == [#"markdone {"eventType":"MARKDONE_UNBLOCKED","interactionId":"1","caseId":"1"}"#])
  }

  @Test(arguments: states)
  func selectCase(_ state: InteractionState) throws {
    var desk = try #require(try Desk.with(state))
    let events = try desk.run(.selectCase(caseID: "1"))
    #expect(events.map(\.title) == ["interaction CASE_EXPANDED", "interaction CASE_SELECTED"])
    #expect(desk.workspace.interaction("1")?.isCaseSelected == true)
    #expect(desk.workspace.interaction("1")?.isCaseExpanded == true)
  }

  @Test(arguments: [
    Command.markdone(interactionID: "9"), .setUserData(interactionID: "9", ["a": 1]),
    .setUserData(interactionID: "9", [:]), .deleteUserData(interactionID: "9", key: "a"),
    .blockMarkdone(interactionID: "9", warningMessage: ""), .unblockMarkdone(interactionID: "9"),
  ])
  func unknownInteractionIsNotFound(_ command: Command) throws {
    var desk = Desk()
    try desk.assert(.talking)
    let failure = try #require(throws: Failure.self) { try desk.run(command) }
    #expect(failure.code == .interactionNotFound && failure.message.contains("\"9\""))
  }

  @Test func userDataBytesAreLimited() throws {
    var rules = WorkspaceRules()
    rules.userDataBytesMax = 22
    var desk = Desk(rules: rules)
    try desk.assert(.talking, "1", ["userData": ["a": "12345678"]])
    try desk.run(.setUserData(interactionID: "1", ["b": 1]))
    let failure = try #require(throws: Failure.self) { try desk.run(.setUserData(interactionID: "1", ["c": 1])) }
    #expect(failure.code == .limitExceeded && failure.message.contains("userDataBytesMax"))
    #expect(throws: Failure.self) { try desk.assert(.held, "1", ["userData": ["a": "1234567890123456"]]) }
  }
}
