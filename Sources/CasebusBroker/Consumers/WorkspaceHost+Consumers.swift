import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import Logging
import NIOCore

/// The durable consumers of a workspace: what is committed is for them, too (Protocol §9.3).
extension WorkspaceHost {
  /// The workspace was read from the journal: its consumers take up their work.
  func restoreConsumers() {
    for coverage in loop.consumers.coverage(of: id) {
      // A workspace that the journal forgot meanwhile begins with 1 again.
      let position = min(coverage.position ?? durableOffset, durableOffset)
      start(coverage.consumer, after: position, again: coverage.again)
      for session in coverage.sessions { join(coverage.consumer.key, session) }
      let last = durableOffset
      tell(coverage.consumer.key) { $0.recordsNoticed(upTo: last, at: $1) }
    }
    forsakeBlocks()
  }

  /// A consumer begins with the event after an offset, unless the workspace has it already.
  func start(_ consumer: JournalConsumer, after offset: JournalOffset, again: [JournalOffset] = []) {
    guard consumers.queues[consumer.key] == nil else { return }
    consumers.add(
      consumer.key,
      ConsumerQueue(
        names: Set(consumer.events), limits: loop.configuration.consumerLimits, position: offset, last: durableOffset,
        turn: id.hashValue, again: again))
  }

  func join(_ key: JournalConsumer.Key, _ session: SessionKey) {
    guard consumers.queues[key]?.hasMember(session) == false else { return }
    tell(key) { $0.sessionJoined(session, at: $1) }
    leaveIfIdle()
  }

  /// A session leaves. One that unsubscribed did that behind everything that it acknowledged; what one that ended
  /// acknowledged before may still wait, and counts first.
  func left(
    _ key: JournalConsumer.Key, _ session: SessionKey, _ leaving: Session.Leaving, at work: SessionWorkload.Work?
  ) {
    switch leaving {
    case .unsubscribed: whenLoaded { $0.leave(key, session, at: work) }
    case .ended: takeTurn(.leftConsumer(key, session, work))
    }
  }

  /// A broker that stops gives nothing to the sessions that are closed next: they would pass it on until it is parked.
  /// - Parameter work: what the session was at when it ended; nil if it went in good order.
  func leave(_ key: JournalConsumer.Key, _ session: SessionKey, at work: SessionWorkload.Work?) {
    guard !loop.isDraining else { return }
    let here = work.flatMap { $0.workspace == id ? $0 : nil }
    tell(key) {
      let work = here.map { ConsumerQueue.Work(offset: $0.offset, hasAcknowledged: $0.hasAcknowledged) }
      return $0.sessionLeft(session, during: work, at: $1)
    }
    leaveIfIdle()
  }

  /// A consumer was deleted, and with it go its blocks (Protocol §8.4).
  func forget(_ key: JournalConsumer.Key) {
    consumers.forget(key)
    depart(key.blocker)
  }

  /// The broker may have ended after a consumer was deleted and before its blocks were lifted.
  private func forsakeBlocks() {
    for block in current.blocks {
      guard let key = JournalConsumer.Key(block.blocker, in: id) else { continue }
      if consumers.queues[key] == nil { departed.insert(block.blocker) }
    }
  }

  /// Parked events are to be given again.
  func redeliver(_ offsets: [JournalOffset], to key: JournalConsumer.Key) {
    tell(key) { $0.redelivered(offsets, at: $1) }
    leaveIfIdle()
  }

  /// Events are durable and were released to those who want them at once.
  func feedConsumers(_ commit: WorkspaceCommit) {
    guard !consumers.queues.isEmpty, !commit.events.isEmpty else { return }
    let records = zip(commit.part.records, commit.events).map { ConsumerRecord(record: $0, key: $1.key) }
    for key in consumers.queues.keys { tell(key) { $0.recordsAppended(records, at: $1) } }
    leaveIfIdle()
  }

  /// There is room again for what waits.
  func serve(_ key: JournalConsumer.Key) {
    tell(key) { $0.roomGrew(at: $1) }
    leaveIfIdle()
  }

  /// The workspace leaves memory; where its consumers are is known while it is away.
  func storeConsumers() {
    consumers.timer?.timer.cancel()
    for (key, queue) in consumers.queues {
      loop.consumerChanged(key, in: id, by: -queue.unacknowledged, isStarved: false)
      loop.consumers.setPosition(
        queue.position < durableOffset ? queue.position : nil, again: queue.comingAgain, of: key, in: id)
    }
  }
}

// MARK: - Acknowledging

extension WorkspaceHost {
  /// - Throws: ``Failure`` with `invalid_message` or `invalid_parameters`.
  func acknowledge(upTo offset: JournalOffset, from caller: Caller) throws(Failure) {
    guard let key = caller.consumer, consumers.queues[key] != nil else {
      throw Failure(
        .invalidMessage, "this session is not part of a durable consumer, there is nothing to acknowledge")
    }
    try tell(key) { queue, now throws(Failure) in
      try queue.acknowledged(by: caller.session, upTo: offset, at: now)
    }
    // Without a reference nobody waits for the answer (Protocol §9.4).
    let isAnswered = caller.referenceID != nil
    commitPositions(Outcome(caller: caller, answer: isAnswered ? .done(at: currentOffset) : .silent))
  }

  private func commitPositions(_ outcome: Outcome) {
    loop.commit(outcome, of: self) { commit, _ in commit.append(consumers.takeUntold()) }
  }
}

// MARK: - What the queues want

extension WorkspaceHost {
  /// Tells a queue something, and does what it then wants.
  func tell<Refusal: Error>(
    _ key: JournalConsumer.Key, _ body: (inout ConsumerQueue, Timestamp) throws(Refusal) -> ConsumerQueue.Actions
  ) throws(Refusal) {
    guard consumers.queues[key] != nil else { return }
    let before = consumers.queues[key]!.unacknowledged
    let (room, now) = (loop.consumerRoom(of: key), loop.now)
    let actions = try consumers.update(key) { queue throws(Refusal) in
      queue.room = room
      return try body(&queue, now)
    }
    let difference = consumers.queues[key]!.unacknowledged - before
    updateTimer()
    carryOut(actions, of: key)
    loop.consumerChanged(key, in: id, by: difference, isStarved: consumers.queues[key]?.isStarved ?? false)
  }

  private func carryOut(_ actions: ConsumerQueue.Actions, of key: JournalConsumer.Key) {
    if actions.position != nil || !actions.parked.isEmpty || !actions.unparked.isEmpty {
      consumers.moved(
        JournalPosition(
          consumer: key, offset: consumers.queues[key]!.position, parked: actions.parked, unparked: actions.unparked))
    }
    let now = loop.now
    for delivery in actions.deliveries {
      loop.send(
        DurableDelivery(
          session: delivery.session, consumer: key, workspace: id, epoch: epoch, record: delivery.record,
          number: delivery.number, time: now))
    }
    if let read = actions.read { self.read(read, for: key) }
    if let offset = actions.readAgain { readAgain(offset, for: key) }
    if !actions.parked.isEmpty {
      logParked(actions.parked, of: key)
      commitPositions(Outcome(caller: nil, answer: .silent))
    }
  }

  private func logParked(_ parked: [ParkedRecord], of key: JournalConsumer.Key) {
    for record in parked {
      loop.logger.warning(
        "an event was parked, its durable consumer never acknowledged it",
        metadata: [
          "consumer": "\(key.name)", "workspace": "\(id)", "offset": "\(record.offset)",
          "deliveries": "\(record.deliveries)", "reason": "\(record.reason?.rawValue ?? "unknown")",
        ])
    }
  }

  private func updateTimer() {
    guard let deadline = consumers.nextDeadline else { return }
    if let present = consumers.timer, present.at <= deadline { return }
    consumers.timer?.timer.cancel()
    let delay = TimeAmount.milliseconds(max(0, deadline.milliseconds(since: loop.now)))
    let timer = loop.port.eventLoop.assumeIsolated().scheduleTask(in: delay) { [weak self] in
      guard let self else { return }
      timerFired()
    }
    consumers.timer = (deadline, timer)
  }

  private func timerFired() {
    consumers.timer = nil
    guard !loop.isDraining else { return }
    while let key = consumers.popDue(at: loop.now) { tell(key) { $0.deadlineReached(at: $1) } }
    updateTimer()
    leaveIfIdle()
  }
}
