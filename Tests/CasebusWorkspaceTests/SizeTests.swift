import CasebusProtocol
import CasebusWorkspace
import NIOCore
import Testing

/// The state is bounded in bytes (Protocol §6.7).
@Suite struct SizeTests {
  static func rules(interaction: Int = 1000, workspace: Int = 3000) -> WorkspaceRules {
    var rules = WorkspaceRules()
    rules.interactionBytesMax = interaction
    rules.workspaceBytesMax = workspace
    return rules
  }

  /// Everything of an interaction that a client may choose the length of.
  @Test(
    arguments: [
      ["userData": ["a": long]], ["userData": [longText: 1]], ["parties": [["name": long]]],
      ["parties": .array(Array(repeating: ["name": ""], count: 100))], ["ani": long], ["dnis": long],
      ["media": long], ["callUuid": long], ["interactionUUID": long],
      ["ani": .string(String(repeating: "\u{1}", count: 150))],
    ] as [JSONObject])
  func interactionThatIsTooLargeIsRefused(_ attributes: JSONObject) throws {
    var desk = Desk(rules: Self.rules())
    try desk.assert(.ringing)
    let before = desk.workspace
    for id in ["1", "new"] {
      let failure = try #require(throws: Failure.self) { try desk.assert(.ringing, id, attributes) }
      #expect(failure.code == .limitExceeded)
      #expect(failure.message.hasPrefix("interaction \"\(id)\" would have "))
      #expect(failure.message.hasSuffix(" bytes, allowed are 1000 (interactionBytesMax)"))
      #expect(desk.workspace == before)
    }
  }

  private static let longText = String(repeating: "x", count: 900)
  private static let long = JSONValue.string(longText)

  @Test func setUserDataMeetsTheLimitOfTheInteraction() throws {
    var desk = Desk(rules: Self.rules())
    try desk.assert(.talking, "1", ["ani": .string(String(repeating: "x", count: 500))])
    let data: JSONObject = ["a": .string(String(repeating: "x", count: 300))]
    let failure = try #require(throws: Failure.self) { try desk.run(.setUserData(interactionID: "1", data)) }
    #expect(failure.code == .limitExceeded && failure.message.contains("interactionBytesMax"))
  }

  @Test func interactionsTogetherMeetTheLimitOfTheWorkspace() throws {
    var desk = Desk(rules: Self.rules())
    for id in ["1", "2", "3"] { try desk.assert(.talking, id, ["ani": .string(String(repeating: "x", count: 500))]) }
    let count = desk.workspace.byteCount
    #expect((2200...3000).contains(count))
    let failure = try #require(throws: Failure.self) {
      try desk.assert(.talking, "4", ["ani": .string(String(repeating: "x", count: 600))])
    }
    #expect(failure.message.hasPrefix("the workspace would have 3"))
    #expect(failure.message.hasSuffix(" bytes, allowed are 3000 (workspaceBytesMax)"))
    #expect(desk.workspace.byteCount == count)
    try desk.assert(.idle, "1")
    try desk.run(.markdone(interactionID: "1"))
    try desk.assert(.talking, "4", ["ani": .string(String(repeating: "x", count: 600))])
  }

  @Test func blocksCount() throws {
    var desk = Desk(rules: Self.rules())
    try desk.assert(.talking)
    let empty = desk.workspace.byteCount
    let block = Command.blockMarkdone(interactionID: "1", warningMessage: String(repeating: "\u{1}", count: 300))
    try desk.run(block, by: .session("a"))
    #expect((1800...2000).contains(desk.workspace.byteCount - empty))
    let failure = try #require(throws: Failure.self) { try desk.run(block, by: .session("b")) }
    #expect(failure.code == .limitExceeded && failure.message.contains("workspaceBytesMax"))
    // One's own is replaced.
    try desk.run(block, by: .session("a"))
    try desk.run(.unblockMarkdone(interactionID: "1"), by: .session("a"))
    #expect(desk.workspace.byteCount == empty)
    try desk.run(block, by: .session("b"))
    desk.wait(milliseconds: 30_000)
    #expect(desk.workspace.byteCount == empty)
  }

  /// No agent is kept from finishing because somebody filled the desktop.
  @Test func changesOfStateAndCasesAreNeverRefusedForWantOfRoom() throws {
    var desk = Desk()
    try desk.assert(.ringing, "1", ["caseId": .string(String(repeating: "\u{1}", count: 128))])
    var rules = Self.rules(interaction: desk.workspace.byteCount, workspace: desk.workspace.byteCount)
    rules.transitions = .lenient
    var full = Desk(rules: rules)
    try full.assert(.ringing, "1", ["caseId": .string(String(repeating: "\u{1}", count: 128))])
    #expect(throws: Failure.self) { try full.assert(.talking, "2") }
    try full.run(.selectCase(caseID: Identifier(String(repeating: "\u{1}", count: 128))))
    for state in InteractionState.allCases where !StateRule.of(state).isTerminal { try full.assert(state) }
    try full.assert(.idle)
    try full.run(.markdone(interactionID: "1"))
    #expect(full.workspace.byteCount == 0)
  }

  @Test func interactionThatLeavesAtOnceNeedsNoRoomInTheWorkspace() throws {
    var rules = Self.rules(interaction: 1000, workspace: 300)
    rules.transitions = .lenient
    var desk = Desk(rules: rules)
    try desk.assert(.completed, "1", ["ani": .string(String(repeating: "x", count: 500))])
    #expect(throws: Failure.self) { try desk.assert(.sent, "1", ["ani": Self.long]) }
  }

  @Test func stateThatWasKeptUnderGreaterLimitsCanBeMadeSmaller() throws {
    var old = Desk()
    try old.assert(.talking, "1", ["ani": Self.long, "userData": ["a": Self.long, "b": Self.long]])
    try old.assert(.talking, "2", ["ani": Self.long])
    var rules = Self.rules(interaction: 500, workspace: 600)
    rules.userDataBytesMax = 100
    var desk = Desk(rules: rules)
    desk.workspace = try Workspace(snapshot: old.workspace.snapshot, rules: rules)
    #expect(desk.workspace.byteCount == old.workspace.byteCount)
    #expect(throws: Failure.self) { try desk.run(.setUserData(interactionID: "1", ["c": 1])) }
    #expect(throws: Failure.self) { try desk.run(.blockMarkdone(interactionID: "1", warningMessage: "")) }
    try desk.assert(.held)
    try desk.run(.setUserData(interactionID: "1", ["a": 1]))
    try desk.run(.deleteUserData(interactionID: "1", key: "b"))
    try desk.assert(.held, "1", ["ani": nil])
    try desk.assert(.held, "2", ["ani": "x"])
    try desk.run(.setUserData(interactionID: "1", ["c": 1]))
  }
}

extension Workspace {
  fileprivate var snapshot: ByteBuffer {
    var buffer = ByteBuffer()
    writeSnapshot(into: &buffer)
    return buffer
  }
}
