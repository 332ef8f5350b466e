import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import NIOCore

extension WorkspaceHost {
  /// Decides a command and answers it, in the same way again if its message was sent before (Protocol §5.5).
  /// - Parameter isAnswered: whether a success is answered, too.
  func execute(_ command: Command, from caller: Caller, isAnswered: Bool = true) throws(Failure) {
    if let receipt = caller.messageID.flatMap({ receipts.receipt(of: $0, at: loop.now) }) {
      let answer = answer(to: caller, receipt.failure, at: receipt.offset, isAnswered: isAnswered)
      return finish(Outcome(caller: caller, answer: answer))
    }
    // A timer may be late, a deadline is not: what is due comes before the command.
    deadlineReached()
    do throws(Failure) {
      let events = try current.decide(
        command, by: blocker(of: caller), or: ownBlocker(of: caller), at: loop.now)
      conclude(events, events.first?.refusal, for: caller, isAnswered: isAnswered)
    } catch {
      guard caller.messageID != nil else { throw error }
      conclude([], error, for: caller, isAnswered: isAnswered)
    }
  }

  /// A consumer that was deleted meanwhile has no blocks any more; nobody could lift them.
  private func blocker(of caller: Caller) -> Blocker {
    guard let consumer = caller.consumer, consumers.queues[consumer] != nil else {
      return ownBlocker(of: caller)
    }
    return consumer.blocker
  }

  func ownBlocker(of caller: Caller) -> Blocker {
    sessions[caller.session] ?? loop.ownBlocker(of: caller.session, caller.principal)
  }

  private func conclude(
    _ events: [WorkspaceEvent], _ failure: Failure?, for caller: Caller, isAnswered: Bool
  ) {
    let end = currentOffset + JournalOffset(events.count)
    let receipt = caller.messageID.map {
      JournalReceipt(messageID: $0, time: loop.now.milliseconds, offset: end, failure: failure)
    }
    if let receipt { receipts.add(receipt, at: loop.now) }
    let answer = answer(to: caller, failure, at: end, isAnswered: isAnswered)
    apply(events, Outcome(caller: caller, answer: answer), receipt: receipt)
  }

  private func answer(
    to caller: Caller, _ failure: Failure?, at offset: JournalOffset, isAnswered: Bool
  ) -> Outcome.Answer {
    if let failure {
      return .frame(.failure(to: caller, failure, at: StreamPosition(offset: offset, epoch: epoch)))
    }
    return isAnswered ? .done(at: offset) : .silent
  }

  /// A command that nobody waits for; nothing comes of it while the journal cannot be read.
  func run(_ command: Command, by blocker: Blocker) {
    guard lifecycle.isReady else { return }
    deadlineReached()
    guard let events = try? current.decide(command, by: blocker, at: loop.now), !events.isEmpty else { return }
    apply(events, Outcome(caller: nil, answer: .silent))
  }

  func finish(_ caller: Caller, writeData: (inout ByteBuffer) -> Void) throws(Failure) {
    // Nobody is there to read it.
    guard !loop.window.isLeaving(caller.session) else { return finish(Outcome(caller: caller, answer: .silent)) }
    var bytes = 0
    let frame = TextFrame.response(to: caller, at: position) { buffer in
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
    finish(Outcome(caller: caller, answer: .frame(frame)))
  }

  /// Nothing was decided, but the answer keeps its place in the order.
  func finish(_ outcome: Outcome) {
    loop.commit(outcome, of: self)
  }
}

// MARK: - Commits

extension WorkspaceHost {
  /// Makes events so, and gives them to the commit together with the answer.
  /// - Parameter isSnapshotWanted: whether a snapshot is to be written in any case.
  func apply(
    _ events: [WorkspaceEvent], _ outcome: Outcome, receipt: JournalReceipt? = nil,
    snapshot isSnapshotWanted: Bool = false
  ) {
    let time = current.eventTime(at: loop.now)
    loop.commit(outcome, of: self) { commit, outcome in
      for event in events {
        let encoded = append(event, at: time, to: &commit)
        retained.append(encoded)
        outcome.append(encoded, to: &commit)
      }
      if let receipt { commit.append(receipt) }
      if isSnapshotWanted || currentOffset - snapshotOffset >= loop.configuration.snapshotIntervalEvents {
        commit.set(makeSnapshot())
      }
      if commit.isKept { commit.append(consumers.takeUntold()) }
    }
    updateDeadline()
  }

  private func append(
    _ event: WorkspaceEvent, at time: Timestamp, to commit: inout WorkspaceCommit
  ) -> EncodedEvent {
    current.evolve(event, at: time)
    currentOffset += 1
    let encoded = EncodedEvent(event.name, at: currentOffset) { event.writeData(into: &$0) }
    var record = JournalRecord(
      offset: currentOffset, time: time.milliseconds, event: event.name.description, kind: event.kind,
      data: encoded.data)
    event.writeDetail(into: &record.detail)
    commit.append(event, record)
    if let blocker = event.placedBlocker { blockWasPlaced(by: blocker, in: &commit) }
    return encoded
  }

  private func makeSnapshot() -> JournalSnapshot {
    var state = ByteBuffer()
    current.writeSnapshot(into: &state)
    snapshotOffset = currentOffset
    return JournalSnapshot(offset: currentOffset, state: state, isEmpty: current.isEmpty)
  }

  /// A commit is durable.
  func committed(_ commit: WorkspaceCommit) {
    var freed: [Blocker] = []
    // By index: a copy of an event and its record counts many references.
    for index in commit.events.indices {
      if !departed.isEmpty || !monitors.isEmpty { freed += durable.blockers(freedBy: commit.events[index]) }
      durable.evolve(commit.events[index], at: Timestamp(milliseconds: commit.part.records[index].time))
    }
    durableOffset += JournalOffset(commit.events.count)
    durableSnapshotOffset = commit.part.snapshot?.offset ?? durableSnapshotOffset
    receipts.committed(commit.part.receipts.count)
    pendingCommits -= 1
    settleBlockers(of: commit)
    if pendingCommits == 0, !departed.isEmpty { forgetUndoneBlocks() }
    settleDeparted(freed)
    if !monitors.isEmpty { forgetMonitors(freed) }
  }

  /// Every commit that ended with this one was made so or undone: only now may something be decided because of it.
  func settled(_ commit: WorkspaceCommit) {
    for blocker in commit.blockers where departed.contains(blocker) { liftBlocks(of: blocker) }
    settleMonitors(of: commit)
    leaveIfIdle()
  }

  /// The journal did not take a commit: everything that is not durable never happened.
  /// - Parameter isFinal: whether what led to it is not decided again.
  func rollBack(_ commit: WorkspaceCommit, isFinal: Bool) {
    current = durable
    currentOffset = durableOffset
    snapshotOffset = durableSnapshotOffset
    receipts.rollBack()
    retained.rollBack(to: durableOffset)
    lifecycle.commitFailed()
    consumers.putBack(commit.part.positions)
    pendingCommits -= 1
    settleBlockers(of: commit)
    if isFinal {
      if pendingCommits == 0 { forgetUndoneBlocks() }
      if !monitors.isEmpty { forgetMonitors(Array(monitors.keys)) }
    }
    hasFailedToLift = !departed.isEmpty
    updateDeadline(noSoonerThan: .seconds(1))
  }

  /// The journal did not take what the outcome belongs to.
  func fail(_ outcome: inout Outcome, with failure: Failure) {
    outcome.eventCount = 0
    guard let caller = outcome.caller else { return }
    switch outcome.answer {
    case .endOfReplay(let id, _):
      // Nobody asked in words; the replay asks again.
      if sessions[caller.session] != nil { retained.keep(for: caller.session) }
      outcome.answer = .endOfReplay(id, .further(through: durableOffset))
    case .subscribe:
      cancelReplay(for: caller.session)
      outcome.answer = .frame(.failure(to: caller, failure, at: StreamPosition(offset: durableOffset, epoch: epoch)))
    case .silent, .done, .frame, .unsubscribe, .consumer:
      outcome.answer = .frame(.failure(to: caller, failure, at: StreamPosition(offset: durableOffset, epoch: epoch)))
    }
  }
}

extension Outcome {
  /// Adds an event that is released behind it.
  mutating func append(_ event: EncodedEvent, to commit: inout WorkspaceCommit) {
    eventCount += 1
    weight += event.bytes
    commit.append(event)
  }
}
