import NIOCore
import NIOEmbedded
import Testing

@testable import CasebusTransport

/// One timer for all connections of a loop.
@Suite struct TimerWheelTests {
  private let loop = EmbeddedEventLoop()
  private let wheel: TimerWheel

  init() {
    wheel = TimerWheel(loop)
  }

  @Test(arguments: [1, 99, 100, 101, 1_000, 25_000, 51_000])
  func timeIsReachedOnceAndAtMostATenthOfASecondLate(_ milliseconds: Int64) {
    let timer = armed(milliseconds)
    loop.advanceTime(by: .milliseconds(milliseconds - 1))
    #expect(timer.reached == 0)
    loop.advanceTime(by: .milliseconds(101))
    #expect(timer.reached == 1)
    loop.advanceTime(by: .hours(1))
    #expect(timer.reached == 1)
  }

  @Test func timeBeyondTheWheelIsReachedEarlyToBeArmedAgain() {
    let timer = armed(3_600_000)
    loop.advanceTime(by: .seconds(52))
    #expect(timer.reached == 1)
  }

  @Test func timersAreReachedInTheirOrder() {
    var order: [Int64] = []
    for milliseconds: Int64 in [25_000, 300, 10_000, 5_000, 400] {
      armed(milliseconds).onReached = { order.append(milliseconds) }
    }
    loop.advanceTime(by: .seconds(30))
    #expect(order == [300, 400, 5_000, 10_000, 25_000])
  }

  @Test func theWheelGoesOnAfterItStoodStill() {
    for _ in 0..<3 {
      let timer = armed(40_000)
      loop.advanceTime(by: .milliseconds(39_999))
      #expect(timer.reached == 0)
      loop.advanceTime(by: .milliseconds(101))
      #expect(timer.reached == 1)
      loop.advanceTime(by: .seconds(7))
    }
  }

  @Test(arguments: 0..<5)
  func disarmedOneIsNotReachedAndTheOthersAre(_ index: Int) {
    let timers = (0..<5).map { _ in armed(100) }
    wheel.disarm(timers[index])
    wheel.disarm(timers[index])
    loop.advanceTime(by: .seconds(1))
    #expect(timers.map(\.reached) == (0..<5).map { $0 == index ? 0 : 1 })
  }

  @Test func armingAgainMovesTheTimer() {
    let timer = armed(100)
    wheel.arm(timer, at: 10_000_000_000)
    loop.advanceTime(by: .seconds(9))
    #expect(timer.reached == 0)
    wheel.arm(timer, at: 0)
    loop.advanceTime(by: .seconds(1))
    #expect(timer.reached == 1)
  }

  @Test func oneThatIsReachedMayDisarmAnother() {
    let timers = (0..<2).map { _ in armed(100) }
    for timer in timers { timer.onReached = { [wheel] in timers.forEach(wheel.disarm) } }
    loop.advanceTime(by: .seconds(1))
    #expect(timers.map(\.reached).reduce(0, +) == 1)
  }

  @Test func oneThatIsReachedMayBeArmedAgain() {
    let timer = armed(100)
    timer.onReached = { [wheel] in wheel.arm(timer, at: 0) }
    loop.advanceTime(by: .milliseconds(1_001))
    #expect(timer.reached == 10)
    timer.onReached = {}
  }

  private func armed(_ milliseconds: Int64) -> RecordingTimer {
    let timer = RecordingTimer()
    wheel.arm(timer, at: Int64(loop.now.uptimeNanoseconds) + milliseconds * 1_000_000)
    return timer
  }
}

private final class RecordingTimer: Timed {
  var timerPlace: TimerWheel.Place?
  var reached = 0
  var onReached: () -> Void = {}

  func timeReached() {
    reached += 1
    onReached()
  }
}
