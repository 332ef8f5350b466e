import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import NIOCore

extension WorkspaceHost {
  /// Decides a command and answers it, in the same way again if its message was sent before (Protocol §5.5).
  /// - Parameter isAnswered: whether a success is answered, too.
  func execute(_ command: Command, from asker: Outcome.Asker, isAnswered: Bool = true) throws(Failure) {
    if let receipt = asker.messageID.flatMap({ receipts.receipt(of: $0, at: loop.now) }) {
      let answer = answer(to: asker, receipt.failure, at: receipt.offset, isAnswered: isAnswered)
      return finish(Outcome(asker: asker, answer: answer))
    }
    // A timer may be late, a deadline is not: what is due comes before the command.
    deadlineReached()
    do throws(Failure) {
      let events = try current.decide(command, by: blocker(of: asker), or: asker.ownBlocker, at: loop.now)
      conclude(events, events.first?.refusal, for: asker, isAnswered: isAnswered)
    } catch {
      guard asker.messageID != nil else { throw error }
      conclude([], error, for: asker, isAnswered: isAnswered)
    }
  }

  /// A consumer that was deleted meanwhile has no blocks any more; nobody could lift them.
  private func blocker(of asker: Outcome.Asker) -> Blocker {
    guard let consumer = asker.consumer, consumers.queues[consumer] == nil else { return asker.blocker }
    return asker.ownBlocker ?? asker.blocker
  }

  private func conclude(
    _ events: [WorkspaceEvent], _ failure: Failure?, for asker: Outcome.Asker, isAnswered: Bool
  ) {
    let end = currentOffset + JournalOffset(events.count)
    let receipt = asker.messageID.map {
      JournalReceipt(messageID: $0, time: loop.now.milliseconds, offset: end, failure: failure)
    }
    if let receipt { receipts.add(receipt, at: loop.now) }
    let answer = answer(to: asker, failure, at: end, isAnswered: isAnswered)
    apply(events, Outcome(asker: asker, answer: answer), receipt: receipt)
  }

  private func answer(
    to asker: Outcome.Asker, _ failure: Failure?, at offset: JournalOffset, isAnswered: Bool
  ) -> Outcome.Answer {
    let position = StreamPosition(offset: offset, epoch: epoch)
    if let failure { return .frame(.failure(to: asker, failure, at: position)) }
    return isAnswered ? .frame(.response(to: asker, at: position)) : .silent
  }

  /// A command that nobody waits for.
  func run(_ command: Command, by blocker: Blocker) {
    deadlineReached()
    guard let events = try? current.decide(command, by: blocker, at: loop.now), !events.isEmpty else { return }
    apply(events, Outcome(asker: nil, answer: .silent))
  }

  func finish(_ asker: Outcome.Asker, writeData: (inout ByteBuffer) -> Void) throws(Failure) {
    // Nobody is there to read it.
    guard !loop.window.isLeaving(asker.session) else { return finish(Outcome(asker: asker, answer: .silent)) }
    var bytes = 0
    let frame = TextFrame.response(to: asker, at: position) { buffer in
      let start = buffer.writerIndex
      writeData(&buffer)
      bytes = buffer.writerIndex - start
    }
    let limit = loop.configuration.answerBytesMax
    guard bytes <= limit else {
      throw Failure(
        .limitExceeded,
        "the data of the answer would have \(bytes) bytes, allowed are \(limit) (answerBytesMax), ask for less at a time"
      )
    }
    finish(Outcome(asker: asker, answer: .frame(frame)))
  }

  /// Nothing was decided, but the answer keeps its place in the order.
  func finish(_ outcome: Outcome) {
    uncommittedOutcomes += 1
    loop.commit(CommitQueue.Entry(outcome: outcome, host: self))
  }
}

// MARK: - Commits

extension WorkspaceHost {
  /// Makes events so, and gives them to the commit together with the answer.
  /// - Parameter isLeaving: whether a snapshot is to be written in any case.
  func apply(
    _ events: [WorkspaceEvent], _ outcome: Outcome, receipt: JournalReceipt? = nil, snapshot isLeaving: Bool = false
  ) {
    var entry = CommitQueue.Entry(outcome: outcome, host: self)
    entry.events = events
    entry.receipt = receipt
    let time = current.eventTime(at: loop.now)
    for event in events {
      let record = record(of: event, time: time)
      entry.records.append(record)
      entry.outcome.events.append(EncodedEvent(event.name, data: record.data, workspace: id, at: position))
    }
    for event in entry.outcome.events { retained.append(event) }
    if isLeaving || currentOffset - snapshotOffset >= loop.configuration.snapshotIntervalEvents {
      entry.snapshot = makeSnapshot()
    }
    if entry.isKept { entry.positions = consumers.takeUntold() }
    uncommittedOutcomes += 1
    loop.commit(entry)
    updateDeadline()
  }

  private func record(of event: WorkspaceEvent, time: Timestamp) -> JournalRecord {
    current.evolve(event, at: time)
    currentOffset += 1
    var record = JournalRecord(
      offset: currentOffset, time: time.milliseconds, event: event.name.description, kind: event.kind,
      data: ByteBuffer())
    event.writeData(into: &record.data)
    event.writeDetail(into: &record.detail)
    return record
  }

  private func makeSnapshot() -> JournalSnapshot {
    var state = ByteBuffer()
    current.writeSnapshot(into: &state)
    snapshotOffset = currentOffset
    return JournalSnapshot(offset: currentOffset, state: state, isEmpty: current.isEmpty)
  }

  /// One entry is durable.
  func committed(_ entry: CommitQueue.Entry) {
    var freed: [Blocker] = []
    for (event, record) in zip(entry.events, entry.records) {
      if !departed.isEmpty || !monitors.isEmpty { freed += durable.blockers(freedBy: event) }
      durable.evolve(event, at: Timestamp(milliseconds: record.time))
    }
    durableOffset += JournalOffset(entry.events.count)
    durableSnapshotOffset = entry.snapshot?.offset ?? durableSnapshotOffset
    if entry.receipt != nil { receipts.committed(1) }
    uncommittedOutcomes -= 1
    settleDeparted(freed)
    if !monitors.isEmpty { forgetMonitors(freed) }
    settleMonitor(of: entry.outcome)
    leaveIfIdle()
  }

  /// The journal failed: one entry, and with it everything that is not durable, never happened.
  func rollBack(_ entry: CommitQueue.Entry) {
    current = durable
    currentOffset = durableOffset
    snapshotOffset = durableSnapshotOffset
    receipts.rollBack()
    retained.rollBack(to: durableOffset)
    isLeaving = false
    consumers.putBack(entry.positions)
    uncommittedOutcomes -= 1
    if uncommittedOutcomes == 0 { forgetUndoneBlocks() }
    if !monitors.isEmpty { forgetMonitors(Array(monitors.keys)) }
    settleMonitor(of: entry.outcome)
    hasFailedToLift = !departed.isEmpty
    updateDeadline(noSoonerThan: .seconds(1))
    leaveIfIdle()
  }
}
