import CasebusJournal
import NIOCore

/// What happens at the end of a turn of the loop, one ``LoopPhase`` after the other.
extension BrokerLoop {
  /// What happens in one tick of the loop is one batch for the journal, and one write for each session.
  func scheduleTick() {
    guard !isTickScheduled else { return }
    isTickScheduled = true
    port.eventLoop.assumeIsolated().execute { [self] in tick() }
  }

  private func tick() {
    sendLetters()
    perform(.committing) { commits.begin() }
    // A journal in memory has committed by now.
    perform(.releasing) { commits.settle() }
    isTickScheduled = false
    // What the release itself decided.
    if commits.canBegin { scheduleTick() }
    sendDeliveries()
    deliverInbox()
    flush()
    resumeReaders()
    decideWaiting()
    sendLetters()
  }

  /// The journal says how a commit went: to the tick that began it, or later.
  func commitEnded(_ result: Result<JournalCommit, JournalError>) {
    commits.ended(result)
    guard phase == .idle else { return }
    perform(.releasing) { commits.settle() }
    // What was gathered meanwhile is the next commit, and messages that waited may have room now.
    if commits.canBegin || window.hasTurns { scheduleTick() }
  }
}

// MARK: - Writing

extension BrokerLoop {
  /// How long the loop fans out before it looks after other things: reading, answering, timers.
  private static var sliceNanoseconds: Int64 { 1_000_000 }
  /// A pause in which the loop gets to its sockets; tasks that are due at once would go first.
  private static var pauseBetweenSlices: TimeAmount { .microseconds(20) }

  private func flush() {
    guard !isPausedBetweenSlices else { return }
    var end = FanoutShard.OnFlush.done
    perform(.flushing) { end = shard.flush(at: port.eventLoop.now, sliceNanoseconds: Self.sliceNanoseconds) }
    switch end {
    case .done: break
    case .sliceOver: pauseBetweenSlices()
    case .resting(let deadline): wakeUp(at: deadline)
    }
    // There is room again for what waited for it.
    if !inbox.isEmpty, !shard.isFull { scheduleTick() }
  }

  private func pauseBetweenSlices() {
    isPausedBetweenSlices = true
    port.eventLoop.assumeIsolated().scheduleTask(in: Self.pauseBetweenSlices) { [self] in
      isPausedBetweenSlices = false
      flush()
    }
  }

  private func wakeUp(at deadline: NIODeadline) {
    guard !isWakeUpScheduled else { return }
    isWakeUpScheduled = true
    port.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in
      isWakeUpScheduled = false
      flush()
    }
  }
}

// MARK: - Reading

extension BrokerLoop {
  /// Reads from a session again when the tick is over: its connection gives what waited there at once.
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
