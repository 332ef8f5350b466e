import Synchronization
import Testing

@testable import CasebusServer

/// The broker's time when somebody sets the clock of the machine.
@Suite struct BrokerClockTests {
  /// The clocks of a machine, in milliseconds.
  private final class Machine: Sendable {
    let wall = Atomic<Int64>(1_700_000_000_000)
    let monotonic = Atomic<Int64>(5_000)

    /// A moment passes.
    func pass(_ milliseconds: Int64) {
      wall.add(milliseconds, ordering: .relaxed)
      monotonic.add(milliseconds, ordering: .relaxed)
    }

    func set(by milliseconds: Int64) { wall.add(milliseconds, ordering: .relaxed) }

    var clock: BrokerClock {
      BrokerClock(
        wall: { [self] in wall.load(ordering: .relaxed) * 1_000_000 },
        monotonic: { [self] in monotonic.load(ordering: .relaxed) * 1_000_000 })
    }
  }

  private let machine = Machine()
  private static let day: Int64 = 86_400_000

  @Test func itBeginsWithTheWallClockAndGoesWithIt() {
    let clock = machine.clock
    #expect(clock.milliseconds == 1_700_000_000_000)
    for _ in 0..<1_000 {
      machine.pass(37)
      #expect(clock.milliseconds == machine.wall.load(ordering: .relaxed))
    }
  }

  /// A span is at most 1 % longer or shorter than it should be, whatever is done to the wall clock.
  @Test(arguments: [-365 * day, -day, -20_000, -1, 1, 20_000, day, 365 * day])
  func itDoesNotJump(_ step: Int64) {
    let clock = machine.clock
    machine.pass(1_000)
    let start = clock.milliseconds
    machine.set(by: step)
    for moment in 1...3_000 {
      machine.pass(10)
      let elapsed = clock.milliseconds - start
      let expected = Int64(moment) * 10
      #expect(abs(elapsed - expected) <= expected / 100 + 1, "after \(expected) ms of \(step)")
    }
  }

  @Test func itNeverGoesBackAndIsRightAgainAfterAWhile() {
    let clock = machine.clock
    var last = clock.milliseconds
    machine.set(by: -20_000)
    for _ in 0..<2_100 * 1_000 {
      machine.pass(1)
      let now = clock.milliseconds
      #expect(now >= last)
      last = now
    }
    #expect(last == machine.wall.load(ordering: .relaxed))
  }

  /// Nobody asked for the time in the meantime.
  @Test func aLongSilenceIsOneSpan() {
    let clock = machine.clock
    machine.set(by: Self.day)
    machine.pass(3_600_000)
    #expect(abs(clock.milliseconds - 1_700_003_600_000) <= 36_000)
  }

  @Test func allThreadsSeeTimeGoForward() async {
    let clock = BrokerClock()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          var last = clock.milliseconds
          for _ in 0..<200_000 {
            let now = clock.milliseconds
            if now < last { Issue.record("\(now) after \(last)") }
            last = now
          }
        }
      }
    }
  }
}
