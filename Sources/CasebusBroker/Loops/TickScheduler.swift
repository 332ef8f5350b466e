import NIOCore

/// Says when the tick of a loop, its writes and its timers begin (Docs/internals/threading.md). The loop carries that out.
struct TickScheduler {
  private enum Tick: Equatable {
    case none
    /// A task is at the end of the loop's queue, or its tick has not released yet: what is asked for now is part of it.
    case scheduled
  }

  private enum Writing: Equatable {
    case ready
    /// The groups that are left rest; a timer ends that.
    case resting
    /// A time slice is over. The pause ends with its timer; that of a rest may still be running.
    case paused(isWakeUpScheduled: Bool)
  }

  private enum Congestion: Equatable {
    case none
    /// An inbox is full; a timer looks again.
    case full
  }

  private(set) var phase = LoopPhase.idle
  private var tick = Tick.none
  private var writing = Writing.ready
  private var congestion = Congestion.none

  // MARK: - The tick

  /// Something needs a commit, a delivery or a write.
  /// - Returns: whether a tick is to be scheduled.
  mutating func tickRequested() -> Bool {
    defer { tick = .scheduled }
    return tick == .none
  }

  /// The tick has released what was committed. What is asked for from now on is part of the next tick.
  mutating func tickReleased() {
    precondition(tick == .scheduled, "a tick released that was not scheduled")
    tick = .none
  }

  /// No phase begins inside another one (``LoopPhase``).
  mutating func begin(_ phase: LoopPhase) {
    assert(self.phase == .idle, "\(phase) began inside \(self.phase)")
    self.phase = phase
  }

  mutating func end(_ phase: LoopPhase) {
    assert(self.phase == phase, "\(phase) ended inside \(self.phase)")
    self.phase = .idle
  }

  // MARK: - Writing

  /// Whether the groups may be served now.
  var mayFlush: Bool { if case .paused = writing { false } else { true } }

  enum OnFlush: Equatable {
    case none
    /// ``pauseEnded()`` is to be called after a short pause.
    case pause
    /// ``wakeUpFired()`` is to be called at this time.
    case wakeUp(at: NIODeadline)
  }

  /// The groups were served until something ended that.
  mutating func flushed(_ end: FanoutShard.OnFlush) -> OnFlush {
    switch (writing, end) {
    case (.paused, _): preconditionFailure("a loop wrote during its pause")
    case (.ready, .done), (.resting, .done), (.resting, .resting): return .none
    case (.ready, .sliceOver):
      writing = .paused(isWakeUpScheduled: false)
      return .pause
    case (.resting, .sliceOver):
      writing = .paused(isWakeUpScheduled: true)
      return .pause
    case (.ready, .resting(let deadline)):
      writing = .resting
      return .wakeUp(at: deadline)
    }
  }

  /// The pause after a time slice is over; the groups are to be served.
  mutating func pauseEnded() {
    guard case .paused(let isWakeUpScheduled) = writing else { preconditionFailure("a pause ended that did not begin") }
    writing = isWakeUpScheduled ? .resting : .ready
  }

  /// Groups have rested.
  /// - Returns: whether they are to be served now; else the end of the pause does that.
  mutating func wakeUpFired() -> Bool {
    switch writing {
    case .ready, .paused(isWakeUpScheduled: false): preconditionFailure("a timer fired that was not set")
    case .resting:
      writing = .ready
      return true
    case .paused(isWakeUpScheduled: true):
      writing = .paused(isWakeUpScheduled: false)
      return false
    }
  }

  // MARK: - Full inboxes

  /// Whether the loop decides nothing, because an inbox is full.
  var isCongested: Bool { congestion == .full }

  /// The loop looked whether an inbox is full, because it added to some or because its timer fired.
  /// - Returns: whether it is to look again after a pause.
  mutating func inboxesWereSeen(areFull: Bool, byTimer: Bool) -> Bool {
    switch (congestion, byTimer) {
    case (.none, false):
      congestion = areFull ? .full : .none
      return areFull
    // Its timer looks again.
    case (.full, false): return false
    case (.full, true):
      congestion = areFull ? .full : .none
      return areFull
    case (.none, true): preconditionFailure("a timer fired that was not set")
    }
  }
}
