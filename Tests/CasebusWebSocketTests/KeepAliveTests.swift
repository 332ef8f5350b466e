import Testing

@testable import CasebusWebSocket

@Suite("Keep-alive: every state, every event")
struct KeepAliveTests {
  static let second: Int64 = 1_000_000_000
  var keepAlive = KeepAlive(openedAt: 100 * second)

  private func seconds(_ nanoseconds: Int64) -> Int64 { nanoseconds / Self.second }

  private mutating func deadlineReached(_ second: Int64) -> KeepAlive.OnDeadline {
    keepAlive.deadlineReached(at: second * Self.second)
  }

  @Test mutating func silenceLeadsToAPing() {
    #expect(seconds(keepAlive.nextDeadline) == 125)
    #expect(deadlineReached(125) == .sendPing)
    #expect(seconds(keepAlive.nextDeadline) == 135)
  }

  @Test mutating func bytesMoveTheAnswerNotTheTimer() {
    keepAlive.bytesReceived(at: 120 * Self.second)
    #expect(seconds(keepAlive.nextDeadline) == 125)
    #expect(deadlineReached(125) == .rearm)
    #expect(seconds(keepAlive.nextDeadline) == 145)
    #expect(deadlineReached(145) == .sendPing)
  }

  @Test mutating func anEarlyTimerOnlyRearms() {
    #expect(deadlineReached(124) == .rearm)
    #expect(seconds(keepAlive.nextDeadline) == 125)
  }

  @Test mutating func silenceAfterAPingTimesOut() {
    #expect(deadlineReached(125) == .sendPing)
    #expect(deadlineReached(134) == .rearm)
    #expect(deadlineReached(135) == .pongTimedOut)
  }

  @Test mutating func anyBytesAfterAPingCountAsLife() {
    #expect(deadlineReached(125) == .sendPing)
    keepAlive.bytesReceived(at: 130 * Self.second)
    #expect(deadlineReached(135) == .rearm)
    #expect(seconds(keepAlive.nextDeadline) == 155)
    #expect(deadlineReached(155) == .sendPing)
  }

  @Test(arguments: [false, true]) mutating func aCloseFrameStartsTheCloseTimeout(pinged: Bool) {
    if pinged { #expect(deadlineReached(125) == .sendPing) }
    keepAlive.closeStarted(at: 126 * Self.second)
    keepAlive.closeStarted(at: 130 * Self.second)
    #expect(seconds(keepAlive.nextDeadline) == 131)
    keepAlive.bytesReceived(at: 129 * Self.second)
    #expect(deadlineReached(130) == .rearm)
    #expect(deadlineReached(131) == .closeTimedOut)
  }

  @Test mutating func bytesThatThePeerTakesAfterAPingCountAsLife() {
    #expect(deadlineReached(125) == .sendPing)
    keepAlive.bytesTaken(at: 134 * Self.second)
    #expect(deadlineReached(135) == .rearm)
    #expect(seconds(keepAlive.nextDeadline) == 159)
  }

  @Test mutating func aPeerThatTakesWhatIsBeforeTheCloseFrameGetsTheTimeForIt() {
    keepAlive.closeStarted(at: 126 * Self.second)
    keepAlive.bytesTaken(at: 130 * Self.second)
    #expect(deadlineReached(131) == .rearm)
    #expect(seconds(keepAlive.nextDeadline) == 135)
    #expect(deadlineReached(135) == .closeTimedOut)
  }

  @Test func theTimesAreConfigured() {
    let timing = KeepAlive.Timing(pingIntervalSeconds: 2, pongTimeoutSeconds: 3, closeTimeoutSeconds: 4)
    var keepAlive = KeepAlive(timing: timing, openedAt: 0)
    #expect(keepAlive.deadlineReached(at: 2 * Self.second) == .sendPing)
    #expect(keepAlive.nextDeadline == 5 * Self.second)
    keepAlive.closeStarted(at: 3 * Self.second)
    #expect(keepAlive.nextDeadline == 7 * Self.second)
  }
}
