import NIOCore
import Testing

@testable import CasebusBroker

/// When a loop ticks, writes and sets timers: every state, and what each event makes of it.
@Suite struct TickSchedulerTests {
  enum Writing: CaseIterable { case ready, resting, paused, pausedWithWakeUp }

  private static let deadline = NIODeadline.uptimeNanoseconds(7)
  private static let ends: [FanoutShard.OnFlush] = [.done, .sliceOver, .resting(until: deadline)]

  private static func scheduler(_ writing: Writing) -> TickScheduler {
    var scheduler = TickScheduler()
    switch writing {
    case .ready: break
    case .resting: _ = scheduler.flushed(.resting(until: deadline))
    case .paused: _ = scheduler.flushed(.sliceOver)
    case .pausedWithWakeUp:
      _ = scheduler.flushed(.resting(until: deadline))
      _ = scheduler.flushed(.sliceOver)
    }
    return scheduler
  }

  @Test func aTickIsScheduledOnceUntilItHasReleased() {
    var scheduler = TickScheduler()
    let isFirstScheduled = scheduler.tickRequested()
    let isSecondScheduled = scheduler.tickRequested()
    scheduler.tickReleased()
    let isThirdScheduled = scheduler.tickRequested()
    #expect([isFirstScheduled, isSecondScheduled, isThirdScheduled] == [true, false, true])
  }

  @Test(arguments: Writing.allCases) func onlyAPauseKeepsTheLoopFromWriting(_ writing: Writing) {
    let isPaused = writing == .paused || writing == .pausedWithWakeUp
    #expect(Self.scheduler(writing).mayFlush == !isPaused)
  }

  /// A timer that runs already is not set again.
  @Test(arguments: [Writing.ready, .resting], ends) func endOfAFlushSetsATimer(
    _ writing: Writing, _ end: FanoutShard.OnFlush
  ) {
    var scheduler = Self.scheduler(writing)
    let expected: TickScheduler.OnFlush =
      switch (writing, end) {
      case (_, .done), (.resting, .resting): .none
      case (_, .sliceOver): .pause
      case (_, .resting(let deadline)): .wakeUp(at: deadline)
      }
    let action = scheduler.flushed(end)
    #expect(action == expected)
    #expect(scheduler.mayFlush == (end != .sliceOver))
  }

  @Test(arguments: [Writing.resting, .pausedWithWakeUp]) func groupsThatRestedAreServedUnlessThereIsAPause(
    _ writing: Writing
  ) {
    var scheduler = Self.scheduler(writing)
    let isServed = scheduler.wakeUpFired()
    #expect(isServed == (writing == .resting))
    #expect(scheduler.mayFlush == (writing == .resting))
    if writing == .pausedWithWakeUp { scheduler.pauseEnded() }
    // The timer is gone, so that the next rest needs one.
    let action = scheduler.flushed(.resting(until: Self.deadline))
    #expect(action == .wakeUp(at: Self.deadline))
  }

  @Test(arguments: [Writing.paused, .pausedWithWakeUp]) func afterAPauseTheLoopWrites(_ writing: Writing) {
    var scheduler = Self.scheduler(writing)
    scheduler.pauseEnded()
    #expect(scheduler.mayFlush)
    let isTimerRunning = writing == .pausedWithWakeUp
    let action = scheduler.flushed(.resting(until: Self.deadline))
    #expect(action == (isTimerRunning ? .none : .wakeUp(at: Self.deadline)))
  }

  @Test(arguments: [false, true]) func oneTimerLooksAtFullInboxes(isFullLater: Bool) {
    var scheduler = TickScheduler()
    let whileEmpty = scheduler.inboxesWereSeen(areFull: false, byTimer: false)
    #expect(!whileEmpty && !scheduler.isCongested)
    let whenFull = scheduler.inboxesWereSeen(areFull: true, byTimer: false)
    let withTimer = scheduler.inboxesWereSeen(areFull: isFullLater, byTimer: false)
    #expect(whenFull && !withTimer && scheduler.isCongested)
    let byTimer = scheduler.inboxesWereSeen(areFull: isFullLater, byTimer: true)
    #expect(byTimer == isFullLater)
    #expect(scheduler.isCongested == isFullLater)
  }

  @Test(arguments: [LoopPhase.committing, .releasing, .delivering, .flushing]) func aPhaseEnds(_ phase: LoopPhase) {
    var scheduler = TickScheduler()
    scheduler.begin(phase)
    #expect(scheduler.phase == phase)
    scheduler.end(phase)
    #expect(scheduler.phase == .idle)
  }
}

/// In which batches the sessions of a loop are closed when the broker stops.
@Suite struct DrainTests {
  private func batches(_ sessions: Int, within time: TimeAmount) -> [Int] {
    var drain = Drain((0..<sessions).map { UInt64($0) }, within: time)
    var (batches, closed) = ([Int](), [UInt64]())
    repeat {
      let batch = drain.takeBatch()
      batches.append(batch.count)
      closed += batch
    } while !drain.isOver
    #expect(closed == (0..<sessions).map { UInt64($0) })
    return batches
  }

  @Test func fewSessionsAreOneBatch() {
    #expect(batches(0, within: .seconds(10)) == [0])
    #expect(batches(Drain.batchSessionsMin, within: .seconds(10)) == [Drain.batchSessionsMin])
  }

  /// Ten seconds have 80 batches in their first four fifths.
  @Test func lastBatchBeginsInTime() {
    let many = batches(40_000, within: .seconds(10))
    #expect(many.count == 80)
    #expect(many.dropLast().allSatisfy { $0 == 501 })
  }

  @Test func withoutTimeAllAreClosedAtOnce() {
    #expect(batches(1_000, within: .zero) == [1_000])
  }
}
