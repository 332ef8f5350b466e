import NIOCore

/// What happens at the end of a turn of the loop: commits, and writes.
extension BrokerLoop {
  /// What happens in one tick of the loop is one batch for the journal, and one write for each session.
  func scheduleTick() {
    guard !isTickScheduled else { return }
    isTickScheduled = true
    port.eventLoop.assumeIsolated().execute { [self] in
      commits.commit()
      isTickScheduled = false
      sendDeliveries()
      flush()
    }
  }

  /// How long the loop fans out before it looks after other things: reading, answering, timers.
  private static var sliceNanoseconds: Int64 { 1_000_000 }
  /// A pause in which the loop gets to its sockets; tasks that are due at once would go first.
  private static var pauseBetweenSlices: TimeAmount { .microseconds(20) }

  private func flush() {
    guard !isPausedBetweenSlices else { return }
    switch shard.flush(at: port.eventLoop.now, sliceNanoseconds: Self.sliceNanoseconds) {
    case .done: break
    case .sliceOver: pauseBetweenSlices()
    case .resting(let deadline): wakeUp(at: deadline)
    }
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

  /// Passes committed outcomes to the loops whose sessions they concern: one call per loop.
  func release(_ entries: [CommitQueue.Entry]) {
    var deliveries = [[Outcome]](repeating: [], count: loops.count)
    let hasPositioned = environment.positioned.count > 0
    for entry in entries {
      entry.distribute(into: &deliveries, forMonitors: hasMonitors, withPositions: hasPositioned)
    }
    for (index, delivery) in deliveries.enumerated() where !delivery.isEmpty {
      if index == port.index { deliver(delivery) } else { loops[index].execute { $0.deliver(delivery) } }
    }
  }

  /// Gives this loop's sessions what is theirs: each answer before the events it caused.
  func deliver(_ outcomes: [Outcome]) {
    for outcome in outcomes {
      if let asker = outcome.asker, asker.session.loop == port.index {
        sessions[asker.session.number]?.received(outcome)
      }
      for event in outcome.events { shard.deliver(event, excluding: excluded(by: event)) }
    }
    scheduleTick()
  }

  private func excluded(by event: EncodedEvent) -> Session? {
    guard let key = event.excluded, key.loop == port.index else { return nil }
    return sessions[key.number]
  }
}
