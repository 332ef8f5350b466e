import CasebusJournal
import NIOCore

/// What happens at the end of a turn of the loop, one ``LoopPhase`` after the other, and the timers that
/// ``TickScheduler`` asks for.
extension BrokerLoop {
  /// What happens in one tick of the loop is one batch for the journal, and one write for each session.
  func scheduleTick() {
    guard ticks.tickRequested() else { return }
    port.eventLoop.assumeIsolated().execute { [self] in tick() }
  }

  private func tick() {
    sendLetters()
    perform(.committing) { commits.begin() }
    // A journal in memory has committed by now.
    perform(.releasing) { commits.settle() }
    ticks.tickReleased()
    // What the release itself decided.
    if commits.canBegin { scheduleTick() }
    sendDeliveries()
    if !inbox.isEmpty { perform(.delivering) { inbox.deliver() } }
    flush()
    resumeReaders()
    decideWaiting()
    sendLetters()
  }

  /// The journal says how a commit went: to the tick that began it, or later.
  func commitEnded(_ result: Result<JournalCommit, JournalError>) {
    commits.ended(result)
    guard ticks.phase == .idle else { return }
    perform(.releasing) { commits.settle() }
    // What was gathered during the commit is the next one, and waiting messages may have room now.
    if commits.canBegin || window.hasTurns { scheduleTick() }
  }

  /// Runs one of the phases.
  func perform(_ phase: LoopPhase, _ body: () -> Void) {
    ticks.begin(phase)
    body()
    ticks.end(phase)
  }
}

// MARK: - Writing

extension BrokerLoop {
  /// How long the loop fans out before it does other things: reading, answering, timers.
  private static var sliceNanoseconds: Int64 { 1_000_000 }
  /// A pause in which the loop gets to its sockets; tasks that are due at once would go first.
  private static var pauseBetweenSlices: TimeAmount { .microseconds(20) }

  private func flush() {
    guard ticks.mayFlush else { return }
    var end = FanoutShard.OnFlush.done
    perform(.flushing) { end = shard.flush(at: port.eventLoop.now, sliceNanoseconds: Self.sliceNanoseconds) }
    switch ticks.flushed(end) {
    case .none: break
    case .pause: pauseBetweenSlices()
    case .wakeUp(let deadline): wakeUp(at: deadline)
    }
    // The inbox waited for room in the groups.
    if inbox.canDeliver { scheduleTick() }
  }

  private func pauseBetweenSlices() {
    port.eventLoop.assumeIsolated().scheduleTask(in: Self.pauseBetweenSlices) { [self] in
      ticks.pauseEnded()
      flush()
    }
  }

  private func wakeUp(at deadline: NIODeadline) {
    port.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in
      if ticks.wakeUpFired() { flush() }
    }
  }
}

// MARK: - Reading

extension BrokerLoop {
  /// Reads from a session again when the tick is over: its connection then gives the messages that it holds.
  func resumeReading(_ session: Session) {
    resumingReaders.append(session)
    scheduleTick()
  }

  private func resumeReaders() {
    guard !resumingReaders.isEmpty else { return }
    let sessions = resumingReaders
    resumingReaders = []
    for session in sessions { session.resumeReading() }
  }
}

// MARK: - Full inboxes

extension BrokerLoop {
  /// The pause until the loop looks again whether the other loops have delivered their inboxes.
  private static var congestionPause: TimeAmount { .milliseconds(1) }

  /// While the inbox of a loop is full, nothing is decided that would add to it.
  /// - Parameter isTimer: whether the timer for it fired.
  func lookAtInboxes(byTimer isTimer: Bool) {
    if ticks.inboxesWereSeen(areFull: sessionRouter.isCongested, byTimer: isTimer) {
      port.eventLoop.assumeIsolated().scheduleTask(in: Self.congestionPause) { [self] in lookAtInboxes(byTimer: true) }
    } else if isTimer {
      decideWaiting()
      giveReplayTurns()
    }
  }
}
