import CasebusJournal
import CasebusProtocol
import NIOCore
import Testing

@testable import CasebusBroker

/// Every state of a replay, and what each event makes of it. An event that only an action of the replay causes is
/// missing where that action was not returned: there it is a fault of the broker.
@Suite struct ReplayTests {
  private static let error = JournalError.unavailable("the disk is gone")
  private static let (start, target) = (JournalOffset(10), JournalOffset(20))
  /// Half of the way.
  private static let middle = Replay.Progress(cursor: 15, target: target)
  private static let complete = Replay.Progress(cursor: target, target: target)

  static let states: [Replay.State] = [
    .waitingForTurn(middle), .reading(middle), .waitingForRoom(middle), .waitingForRoom(complete),
    .askingForEnd(cursor: target), .pausing(Replay.Progress(cursor: target, target: 30)), .pausing(complete), .ended,
  ]

  /// A replay that came into a state by events.
  private static func replay(in state: Replay.State) -> Replay {
    var replay = Replay(after: start, through: target)
    guard case .ended = state else {
      _ = replay.turnCame()
      _ = replay.pageRead(through: state == .waitingForRoom(complete) ? target : middle.cursor)
      if case .waitingForRoom = state { return replay }
      _ = replay.becameWritable()
      if case .waitingForTurn = state { return replay }
      _ = replay.turnCame()
      if case .reading = state { return replay }
      _ = replay.pageRead(through: target)
      _ = replay.becameWritable()
      if case .pausing(let progress) = state { _ = replay.newTargetReceived(progress.target) }
      return replay
    }
    _ = replay.cancelled()
    return replay
  }

  @Test(arguments: states) func everyStateIsReached(_ state: Replay.State) {
    #expect(Self.replay(in: state).state == state)
  }

  @Test func beginsWithATurn() {
    #expect(Replay(after: 3, through: 9).state == .waitingForTurn(Replay.Progress(cursor: 3, target: 9)))
  }

  /// What follows from an event: the next state, and what is to be done.
  struct Row<Action: Equatable & Sendable>: Sendable {
    var next: Replay.State
    var action: Action
  }

  /// - Parameter rows: one for each of ``states``; nil where the event cannot come.
  private func check<Action>(
    _ rows: [Row<Action>?], _ event: (inout Replay) -> Action, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(rows.count == Self.states.count, sourceLocation: sourceLocation)
    for (state, row) in zip(Self.states, rows) {
      guard let row else { continue }
      var replay = Self.replay(in: state)
      let action = event(&replay)
      #expect(action == row.action, "in \(state)", sourceLocation: sourceLocation)
      #expect(replay.state == row.next, "after \(state)", sourceLocation: sourceLocation)
    }
  }

  @Test func turn() {
    check([
      Row(next: .reading(Self.middle), action: .read(after: 15)), nil, nil, nil, nil, nil, nil,
      Row(next: .ended, action: .passOn),
    ]) { $0.turnCame() }
  }

  @Test func pageIsSentUpToItsLastRecord() {
    check([
      nil, Row(next: .waitingForRoom(Replay.Progress(cursor: 18, target: 20)), action: .send(through: 18)), nil, nil,
      nil, nil, nil, Row(next: .ended, action: .none),
    ]) { $0.pageRead(through: 18) }
  }

  @Test func pageIsSentUpToTheTargetOnly() {
    check([
      nil, Row(next: .waitingForRoom(Self.complete), action: .send(through: 20)), nil, nil, nil, nil, nil,
      Row(next: .ended, action: .none),
    ]) { $0.pageRead(through: 25) }
  }

  @Test func emptyPageIsAFault() {
    let reason = "the journal cannot be read: records after offset 15 are missing"
    check([
      nil, Row(next: .ended, action: .fail(reason: reason)), nil, nil, nil, nil, nil,
      Row(next: .ended, action: .none),
    ]) { $0.pageRead(through: nil) }
  }

  @Test func pageThatCannotBeReadEndsTheReplay() {
    check([
      nil, Row(next: .ended, action: .fail(reason: "the journal cannot be read: \(Self.error)")), nil, nil, nil, nil,
      nil, Row(next: .ended, action: .none),
    ]) { $0.readFailed(Self.error) }
  }

  @Test func writableConnectionGetsTheNextPageOrTheEnd() {
    check([
      nil, nil, Row(next: .waitingForTurn(Self.middle), action: .requestTurn),
      Row(next: .askingForEnd(cursor: 20), action: .askForEnd(after: 20)), nil, nil, nil,
      Row(next: .ended, action: .none),
    ]) { $0.becameWritable() }
  }

  @Test func newestEventsEndTheReplay() {
    check([nil, nil, nil, nil, Row(next: .ended, action: true), nil, nil, Row(next: .ended, action: false)]) {
      $0.newestEventsReceived()
    }
  }

  @Test func newTargetIsReadAfterAPause() {
    check([
      nil, nil, nil, nil,
      Row(next: .pausing(Replay.Progress(cursor: 20, target: 40)), action: .openJournal(after: 20)), nil, nil,
      Row(next: .ended, action: .none),
    ]) { $0.newTargetReceived(40) }
  }

  @Test func afterThePauseTheRestIsReadOrTheWorkspaceAskedAgain() {
    check([
      nil, nil, nil, nil, nil,
      Row(next: .waitingForTurn(Replay.Progress(cursor: 20, target: 30)), action: .requestTurn),
      Row(next: .askingForEnd(cursor: 20), action: .askForEnd(after: 20)), Row(next: .ended, action: .none),
    ]) { $0.pauseEnded() }
  }

  @Test func journalThatNoLongerHasTheRestEndsTheReplay() {
    let failed = Row<Replay.OnPage>(
      next: .ended, action: .fail(reason: "the journal does not have the rest of what was missed: \(Self.error)"))
    check([nil, nil, nil, nil, nil, failed, failed, Row(next: .ended, action: .none)]) { $0.openFailed(Self.error) }
  }

  @Test(arguments: states) func isCancelledOnce(_ state: Replay.State) {
    var replay = Self.replay(in: state)
    let (first, second) = (replay.cancelled(), replay.cancelled())
    #expect(first == (state != .ended) && !second && replay.state == .ended)
  }
}

/// What a workspace at offset 7 of the epoch `e` makes of a `since`.
@Suite struct ReplayStartTests {
  private static func start(_ since: ResumePoint?, current: JournalOffset = 7) -> ReplayStart {
    ReplayStart(since: since, current: StreamPosition(offset: current, epoch: "e"))
  }

  @Test(
    arguments: [
      (nil, .notRequested, nil), (.beginning, .after(0), true),
      (.after(StreamPosition(offset: 0, epoch: "e")), .after(0), true),
      (.after(StreamPosition(offset: 6, epoch: "e")), .after(6), true),
      (.after(StreamPosition(offset: 7, epoch: "e")), .nothingMissed, true),
      (.after(StreamPosition(offset: 8, epoch: "e")), .impossible, false),
      (.after(StreamPosition(offset: 6, epoch: "f")), .impossible, false),
    ] as [(ResumePoint?, ReplayStart, Bool?)])
  func sinceIsComparedWithTheWorkspace(_ since: ResumePoint?, _ start: ReplayStart, _ isRecovered: Bool?) {
    #expect(Self.start(since) == start)
    #expect(start.isRecovered == isRecovered)
  }

  @Test func newWorkspaceHasNothingToMiss() {
    #expect(Self.start(.beginning, current: 0) == .nothingMissed)
  }
}

/// Which events a workspace keeps for the replays of its sessions.
@Suite struct RetainedEventsTests {
  private static let (first, second) = (SessionKey(loop: 0, number: 1), SessionKey(loop: 1, number: 1))

  private static func position(_ offset: JournalOffset) -> StreamPosition { StreamPosition(offset: offset, epoch: "e") }

  private static func event(_ offset: JournalOffset) -> EncodedEvent {
    EncodedEvent(.interaction, at: offset) { $0.writeString("{}") }
  }

  /// What a replay ends with, as offsets; nil if it is to read the journal further.
  private static func offsets(_ end: ReplayEnd) -> [JournalOffset]? {
    if case .events(let events) = end { events.map(\.offset) } else { nil }
  }

  private static func retained(bytesMax: Int = .max, _ offsets: ClosedRange<JournalOffset>) -> RetainedEvents {
    var retained = RetainedEvents(bytesMax: bytesMax)
    for session in [first, second] { _ = retained.subscribed(session, since: .beginning, current: position(5)) }
    for offset in offsets { retained.append(event(offset)) }
    return retained
  }

  @Test func replayEndsWithTheEventsAfterItsCursor() {
    var retained = Self.retained(6...9)
    #expect(Self.offsets(retained.replayRead(by: Self.first, through: 5, end: 9)) == [6, 7, 8, 9])
    #expect(Self.offsets(retained.replayRead(by: Self.second, through: 8, end: 9)) == [9])
  }

  @Test func replayThatHasReadEverythingEndsWithNothing() {
    var retained = Self.retained(6...6)
    #expect(Self.offsets(retained.replayRead(by: Self.first, through: 6, end: 6)) == [])
  }

  @Test func nothingIsKeptWhenTheLastReplayHasEnded() {
    var retained = Self.retained(6...9)
    _ = retained.replayRead(by: Self.first, through: 9, end: 9)
    retained.release(Self.second)
    #expect(Self.offsets(retained.replayRead(by: Self.first, through: 8, end: 9)) == nil)
  }

  @Test func subscribeThatMissedNothingKeepsNothing() {
    var retained = RetainedEvents(bytesMax: .max)
    #expect(retained.subscribed(Self.first, since: nil, current: Self.position(5)) == .notRequested)
    retained.append(Self.event(6))
    #expect(Self.offsets(retained.replayRead(by: Self.first, through: 5, end: 6)) == nil)
  }

  @Test func oldestEventsAreDroppedAtTheLimit() {
    var retained = Self.retained(bytesMax: 2 * Self.event(6).bytes, 6...9)
    #expect(Self.offsets(retained.replayRead(by: Self.first, through: 6, end: 9)) == nil)
    #expect(Self.offsets(retained.replayRead(by: Self.first, through: 7, end: 9)) == [8, 9])
  }

  @Test func replayThatReadsFurtherHasTheEventsThatComeMeanwhile() {
    var retained = RetainedEvents(bytesMax: .max)
    #expect(Self.offsets(retained.replayRead(by: Self.first, through: 5, end: 6)) == nil)
    retained.append(Self.event(7))
    #expect(Self.offsets(retained.replayRead(by: Self.first, through: 6, end: 7)) == [7])
  }

  @Test func uncommittedEventsAreRemoved() {
    var retained = Self.retained(6...9)
    retained.rollBack(to: 7)
    #expect(Self.offsets(retained.replayRead(by: Self.first, through: 5, end: 7)) == [6, 7])
  }
}

/// Whose turn it is to read a page.
@Suite struct ReplayTurnsTests {
  private static func reader(_ number: UInt64) -> ReplayTurns.Reader {
    ReplayTurns.Reader(session: number, subscription: SubscriptionID("s"))
  }

  private static func turns(_ readers: ClosedRange<UInt64>) -> ReplayTurns {
    var turns = ReplayTurns()
    for number in readers { turns.requested(by: reader(number)) }
    return turns
  }

  @Test func oneReadsAtATimeInTheOrderOfTheRequests() {
    var turns = Self.turns(1...3)
    for number in UInt64(1)...3 {
      #expect(turns.next(isCongested: false) == Self.reader(number))
      #expect(turns.next(isCongested: false) == nil)
      turns.ended()
    }
    #expect(turns.next(isCongested: false) == nil)
  }

  @Test func whoHadATurnIsBehindTheOthers() {
    var turns = Self.turns(1...2)
    _ = turns.next(isCongested: false)
    turns.requested(by: Self.reader(1))
    turns.ended()
    #expect(turns.next(isCongested: false) == Self.reader(2))
  }

  @Test func nobodyReadsWhileTheLoopIsCongested() {
    var turns = Self.turns(1...1)
    #expect(turns.next(isCongested: true) == nil)
    #expect(turns.next(isCongested: false) == Self.reader(1))
  }
}
