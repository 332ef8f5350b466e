import CasebusProtocol
import NIOCore
import Testing

@testable import CasebusWorkspace

@Suite struct MarkdoneTests {
  static func block(_ warning: String) -> Command { .blockMarkdone(interactionID: "1", warningMessage: warning) }

  static func idleDesk() throws -> Desk {
    var desk = Desk()
    try desk.assert(.idle)
    return desk
  }

  @Test func blockedMarkdoneIsRefusedWithTheNewestWarning() throws {
    var desk = try Self.idleDesk()
    try desk.run(Self.block("first"), by: .session("a"))
    desk.wait(milliseconds: 1_000)
    try desk.run(Self.block("second"), by: .client("b"))
    desk.wait(milliseconds: 500)
    let events = try desk.run(.markdone(interactionID: "1"))
    #expect(
      events.map(\.text) == [
        #"markdone {"eventType":"MARKDONE_REFUSED","interactionId":"1","caseId":"1","warningMessage":"second","remaining":29500}"#
      ])
    #expect(events.first?.refusal == Failure(.markdoneBlocked, "second"))
    #expect(desk.workspace.interaction("1")?.state == .idle)
  }

  @Test func markdoneSucceedsWhenEveryBlockerHasUnblocked() throws {
    var desk = try Self.idleDesk()
    try desk.run(Self.block("a"), by: .session("a"))
    try desk.run(Self.block("b"), by: .session("b"))
    try desk.run(.unblockMarkdone(interactionID: "1"), by: .session("b"))
    #expect(try desk.run(.markdone(interactionID: "1")).first?.refusal?.message == "a")
    try desk.run(.unblockMarkdone(interactionID: "1"), by: .session("a"))
    #expect(try desk.run(.markdone(interactionID: "1")).count == 3)
  }

  @Test func blockingAgainReplacesTheBlock() throws {
    var desk = try Self.idleDesk()
    try desk.run(Self.block("old"), by: .session("a"))
    try desk.run(Self.block("other"), by: .session("b"))
    desk.wait(milliseconds: 20_000)
    try desk.run(Self.block("new"), by: .session("a"))
    #expect(desk.workspace.blocks.map(\.warningMessage) == ["other", "new"])
    #expect(desk.wait(milliseconds: 10_000).map(\.title) == ["markdone MARKDONE_BLOCK_EXPIRED"])
    #expect(desk.workspace.blocks.map(\.warningMessage) == ["new"])
  }

  @Test func blockEndsAtItsDeadlineAndNotBefore() throws {
    var desk = try Self.idleDesk()
    #expect(desk.workspace.nextDeadline == nil)
    try desk.run(Self.block("a"))
    #expect(desk.workspace.nextDeadline == desk.now.advanced(byMilliseconds: 30_000))
    #expect(desk.wait(milliseconds: 29_999) == [])
    #expect(
      desk.wait(milliseconds: 1).map(\.text) == [
        #"markdone {"eventType":"MARKDONE_BLOCK_EXPIRED","interactionId":"1","caseId":"1"}"#
      ])
    #expect(desk.workspace.nextDeadline == nil)
  }

  @Test func publishedCompletedEndsBlocksSilently() throws {
    var desk = try Self.idleDesk()
    try desk.run(Self.block("a"))
    #expect(
      try desk.assert(.completed).map(\.title)
        == ["markdone MARKED_DONE", "interaction COMPLETED", "interaction CASE_CLOSED"])
    #expect(desk.workspace.blocks == [] && desk.workspace.nextDeadline == nil)
  }

  @Test func markedDoneSaysHow() throws {
    var desk = try Self.idleDesk()
    #expect(
      try desk.run(.markdone(interactionID: "1"))[0].text
        == #"markdone {"eventType":"MARKED_DONE","interactionId":"1","caseId":"1","by":"request"}"#)
    try desk.assert(.idle)
    #expect(
      try desk.assert(.completed)[0].text
        == #"markdone {"eventType":"MARKED_DONE","interactionId":"1","caseId":"1","by":"publish"}"#)
  }

  /// As a journal of before 2026-11-25 has it: it is read, and given to clients as it is.
  @Test func markedDoneOfAnOldJournalDoesNotSayHow() throws {
    let data = #"{"eventType":"MARKED_DONE","interactionId":"1","caseId":"1"}"#
    let event = try WorkspaceEvent(
      replaying: .markdone, kind: "", data: ByteBuffer(string: data), detail: ByteBuffer())
    #expect(event == .markdone(MarkdoneEvent(kind: .done(by: nil), interactionID: "1", caseID: "1")))
    #expect(event.text == "markdone \(data)")
  }

  @Test func blocksOfAnAnonymousSessionGoWithIt() throws {
    var desk = try Self.idleDesk()
    try desk.assert(.talking, "2")
    try desk.run(Self.block("a"), by: .session("a"))
    try desk.run(.blockMarkdone(interactionID: "2", warningMessage: "b"), by: .session("a"))
    try desk.run(Self.block("c"), by: .client("a"))
    let events = try desk.run(.blockerLeft, by: .session("a"))
    #expect(events.map(\.title) == ["markdone MARKDONE_UNBLOCKED", "markdone MARKDONE_UNBLOCKED"])
    #expect(desk.workspace.blocks.map(\.blocker) == [.client("a")])
  }

  @Test func blocksPerInteractionAreLimited() throws {
    var rules = WorkspaceRules()
    rules.blocksPerInteractionMax = 2
    var desk = Desk(rules: rules)
    try desk.assert(.idle)
    try desk.run(Self.block("a"), by: .session("a"))
    try desk.run(Self.block("b"), by: .session("b"))
    let failure = try #require(throws: Failure.self) { try desk.run(Self.block("c"), by: .session("c")) }
    #expect(failure.code == .limitExceeded && failure.message.contains("blocksPerInteractionMax"))
    try desk.run(Self.block("again"), by: .session("a"))
  }

  @Test func warningIsLimited() throws {
    var desk = try Self.idleDesk()
    try desk.run(Self.block(String(repeating: "é", count: 512)))
    let failure = try #require(throws: Failure.self) { try desk.run(Self.block(String(repeating: "w", count: 1025))) }
    #expect(failure.message.contains("warningMessageBytesMax"))
  }
}
