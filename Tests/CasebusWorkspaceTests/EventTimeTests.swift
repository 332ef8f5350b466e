import CasebusProtocol
import CasebusWorkspace
import NIOCore
import Testing

/// The times of a workspace's events never go back, whatever the clock does.
@Suite struct EventTimeTests {
  @Test func clockThatIsSetBackDoesNotTakeTheEventsWithIt() throws {
    var desk = Desk()
    try desk.assert(.ringing)
    let first = desk.now
    desk.now = desk.now.advanced(byMilliseconds: -86_400_000)
    try desk.assert(.talking)
    desk.now = first.advanced(byMilliseconds: 1)
    try desk.assert(.held)
    #expect(desk.times == [first, first, first.advanced(byMilliseconds: 1)])
  }

  @Test func snapshotKnowsTheNewestTime() throws {
    var desk = Desk()
    try desk.assert(.ringing)
    let restored = try desk.workspace.throughSnapshot()
    #expect(restored.eventTime(at: Timestamp(milliseconds: 5)) == desk.now)
  }

  /// Of before there was the member.
  @Test func snapshotWithoutATimeIsRead() throws {
    let old = ByteBuffer(string: #"{"interactions":[],"expandedCaseIds":[],"blocks":[],"irregularTransitions":0}"#)
    let workspace = try Workspace(snapshot: old, rules: WorkspaceRules())
    #expect(workspace.eventTime(at: Timestamp(milliseconds: 5)) == Timestamp(milliseconds: 5))
  }

  /// A span is measured from the clock as it is, so that a block stands no longer than it should.
  @Test func blockIsAsLongAfterTheClockWasSetBack() throws {
    var desk = Desk()
    try desk.assert(.idle)
    desk.now = desk.now.advanced(byMilliseconds: -500_000)
    try desk.run(.blockMarkdone(interactionID: "1", warningMessage: ""))
    #expect(desk.workspace.nextDeadline == desk.now.advanced(byMilliseconds: 30_000))
  }
}
