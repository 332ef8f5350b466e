import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import Testing

@testable import CasebusBroker

/// What counts as delivered when a session ends or is late, and who is not held up by it (Protocol §9.5).
extension ConsumerQueueTests {
  private func records(_ offsets: ClosedRange<JournalOffset>) -> [ConsumerRecord] {
    offsets.map { .of($0, key: "\($0 % 7)") }
  }

  /// Of 300 events 256 were parked.
  @Test(arguments: 1...4) func sessionsThatBreakBeforeTheyAcknowledgeParkNothing(breaks: Int) {
    var queue = queue()
    for _ in 1...breaks {
      _ = queue.sessionJoined(one, at: start)
      _ = queue.recordsAppended(records(1...300), at: start)
      #expect(queue.sessionLeft(one, during: .newcomer(at: 1), at: start).parked.isEmpty)
    }
    #expect(queue.entries.values.allSatisfy { $0.failures == 0 })
  }

  @Test func whoLeavesInGoodOrderNeverParksAnything() {
    var queue = queue(deliveries: 1)
    for _ in 1...20 {
      _ = queue.sessionJoined(one, at: start)
      _ = queue.recordsAppended(records(1...20), at: start)
      #expect(queue.sessionLeft(one, at: start) == ConsumerQueue.Actions())
    }
  }

  /// A bot that dies of the first event that it is given, whenever it starts.
  @Test func poisonAtTheVeryStartIsParkedInTheEndAndAlone() {
    var queue = queue()
    var deaths = 0
    var parked: [ParkedRecord] = []
    while parked.isEmpty, deaths < 100 {
      _ = queue.sessionJoined(one, at: start)
      _ = queue.recordsAppended(records(1...100), at: start)
      parked = queue.sessionLeft(one, during: .newcomer(at: 1), at: start).parked
      deaths += 1
    }
    #expect(deaths == 9 && parked.map(\.offset) == [1] && queue.position == 1)
    #expect(queue.sessionJoined(one, at: start).given[one]?.first == 2)
  }

  /// Of 100 events 90 were parked by a bot that dies of the 11th.
  @Test func poisonAfterSomeWorkIsParkedAfterFiveDeathsAndAlone() throws {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended(records(1...100), at: start)
    _ = try queue.acknowledged(by: one, upTo: 10, at: start)
    #expect(queue.sessionLeft(one, during: .worker(at: 11), at: start).parked.isEmpty)
    for death in 2...5 {
      let actions = queue.sessionJoined(one, at: start)
      #expect(actions.given == [one: Array(11...100)])
      let parked = queue.sessionLeft(one, during: .newcomer(at: 11), at: start).parked
      #expect(parked.map(\.offset) == (death == 5 ? [11] : []))
      #expect(parked.allSatisfy { $0.reason == .sessionEnded && $0.deliveries == 5 })
    }
    #expect(queue.sessionJoined(one, at: start).given == [one: Array(12...100)])
  }

  @Test func onlyTheOldestOfALateSessionCounts() {
    var queue = queue(deliveries: 2)
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended(records(1...30), at: start)
    let late = start.advanced(byMilliseconds: 30_000)
    #expect(queue.deadlineReached(at: late).deliveries.map(\.record.offset) == [1, 8, 15, 22, 29])
    let parked = queue.deadlineReached(at: late.advanced(byMilliseconds: 30_000)).parked
    #expect(parked.map(\.offset) == [1] && parked[0].reason == .ackTimeout)
  }

  @Test func whoAcknowledgesSlowlyIsNotLate() throws {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended(records(1...100), at: start)
    var now = start
    for offset: JournalOffset in 1...100 {
      now = now.advanced(byMilliseconds: 29_000)
      #expect(queue.deadlineReached(at: now) == ConsumerQueue.Actions())
      #expect(try queue.acknowledged(by: one, upTo: offset, at: now).parked.isEmpty)
    }
    #expect(queue.position == 100 && queue.nextDeadline == nil)
  }

  /// 5 of 30 were parked although a healthy session was there.
  @Test func eventsOfAFrozenSessionGoToTheOtherInOrderAndItGetsNoMore() throws {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.sessionJoined(two, at: start)
    let given = queue.recordsAppended(records(1...30), at: start).given
    _ = try queue.acknowledged(by: two, upTo: 30, at: start)
    let moved = queue.deadlineReached(at: start.advanced(byMilliseconds: 30_000))
    #expect(moved.given == [two: given[one]!] && moved.parked.isEmpty)
    #expect(queue.recordsAppended(records(31...60), at: start).given == [two: Array(31...60)])
    // It thaws, and has done something of what it had: that is done, and it is one of them again.
    #expect(try queue.acknowledged(by: one, upTo: given[one]![0], at: start).parked.isEmpty)
    #expect(queue.entries[given[one]![0]] == nil)
    #expect(queue.recordsAppended((61...70).map { .of($0) }, at: start).given[one]?.count == 10)
  }

  @Test func whoJoinsLaterTakesOverFromALateSession() {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended(records(1...30), at: start)
    _ = queue.deadlineReached(at: start.advanced(byMilliseconds: 30_000))
    #expect(queue.unacknowledged == 30)
    #expect(queue.sessionJoined(two, at: start).given == [two: Array(1...30)])
  }

  /// The healthy one waited for its first event until the time of the other was over.
  @Test func windowThatAFrozenSessionHasDoesNotHoldUpAnother() throws {
    var queue = queue(inFlight: 8)
    _ = queue.sessionJoined(one, at: start)
    #expect(queue.recordsAppended((1...40).map { .of($0) }, at: start).given == [one: Array(1...8)])
    #expect(queue.sessionJoined(two, at: start).given == [two: Array(9...12)])
    #expect(try queue.acknowledged(by: two, upTo: 10, at: start).given == [two: [13, 14]])
  }

  @Test func keyOfASessionWithoutRoomHoldsUpNoOtherKey() throws {
    var queue = queue(inFlight: 4)
    _ = queue.sessionJoined(one, at: start)
    _ = queue.sessionJoined(two, at: start)
    let first = queue.recordsAppended((1...40).map { .of($0, key: "hot") }, at: start)
    #expect(first.deliveries.count == 2 && first.given.count == 1)
    let hot = first.deliveries[0].session
    let other = hot == one ? two : one
    #expect(queue.recordsAppended([.of(41, key: "cold")], at: start).given == [other: [41]])
    #expect(try queue.acknowledged(by: hot, upTo: 1, at: start).given == [hot: [3]])
  }
}

// MARK: - Acknowledging what came out of order

extension ConsumerQueueTests {
  /// It was lost: nobody had worked on it.
  @Test func acknowledgementThatIsUnderWayDoesNotCoverWhatIsGivenMeanwhile() throws {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended([.of(1, key: "a")], at: start)
    _ = queue.sessionJoined(two, at: start)
    _ = queue.recordsAppended([.of(2, key: "b")], at: start)
    #expect(queue.sessionLeft(one, at: start).given == [two: [1]])
    #expect(try queue.acknowledged(by: two, upTo: 2, at: start).position == nil)
    #expect(queue.position == 0 && queue.unacknowledged == 1)
    #expect(try queue.acknowledged(by: two, upTo: 1, at: start).position == 2)
  }

  @Test func acknowledgementCoversWhatWasGivenBeforeItsEvent() {
    var given = GivenEvents()
    for offset: JournalOffset in [10, 11, 12, 5, 6, 20] { given.add(offset) }
    #expect(given.acknowledge(upTo: 11) == [10, 11])
    #expect(given.acknowledge(upTo: 11) == [])
    #expect(given.acknowledge(upTo: 6) == [5, 6] && given.first == 12)
    given.add(7)
    #expect(given.acknowledge(upTo: 20) == [12, 20] && given.offsets == [7])
    #expect(given.acknowledge(upTo: 20) == [] && given.acknowledge(upTo: 21) == [7] && given.isEmpty)
  }

  @Test func whatIsGivenAgainKeepsItsPlace() {
    var given = GivenEvents()
    for offset: JournalOffset in [1, 2, 1] { given.add(offset) }
    #expect(given.offsets == [1, 2] && given.acknowledge(upTo: 2) == [1, 2])
  }
}

// MARK: - Parked events that come again

extension ConsumerQueueTests {
  @Test func parkedEventComesAgainAndIsUnparkedWhenItIsDone() throws {
    var queue = queue(deliveries: 1)
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended([.of(1, key: "a"), .of(2, key: "b")], at: start)
    _ = queue.sessionLeft(one, during: .worker(at: 1), at: start)
    _ = queue.sessionJoined(two, at: start)
    _ = try queue.acknowledged(by: two, upTo: 2, at: start)
    #expect(queue.redelivered([1], at: start).readAgain == 1)
    let again = queue.recordReadAgain(.of(1, key: "a"), at: start)
    #expect(again.given == [two: [1]] && again.deliveries.map(\.number) == [1] && queue.position == 2)
    let done = try queue.acknowledged(by: two, upTo: 1, at: start)
    #expect(done.unparked == [1] && done.position == nil && queue.isIdle(upTo: 2))
  }

  @Test func parkedEventWaitsForASessionAndIsParkedAnew() {
    var queue = ConsumerQueue(
      names: ["interaction"], limits: ConsumerQueue.Limits(maxDeliveries: 1), position: 9, last: 9, again: [4])
    #expect(queue.isIdle(upTo: 9))
    #expect(queue.sessionJoined(one, at: start).readAgain == 4)
    #expect(queue.recordReadAgain(.of(4), at: start).given == [one: [4]])
    let parked = queue.sessionLeft(one, during: .worker(at: 4), at: start)
    #expect(parked.parked.map(\.offset) == [4] && parked.unparked.isEmpty && queue.comingAgain.isEmpty)
  }

  @Test func parkedEventThatIsNoLongerKeptIsDone() {
    var queue = ConsumerQueue(names: ["interaction"], limits: .init(), position: 9, last: 9, again: [4])
    _ = queue.sessionJoined(one, at: start)
    #expect(queue.recordReadAgain(nil, at: start).unparked == [4])
  }

  /// What a late session had done went to another one, in the middle of what that has, and is given to it once more.
  @Test func eventThatIsGivenAnewAfterItWasTakenAwayIsThereOnce() {
    var given = GivenEvents()
    for offset in [5, 6, 7] as [JournalOffset] { given.add(offset) }
    given.remove(6)
    given.add(6)
    #expect(given.offsets == [5, 7, 6] && given.count == 3)
    #expect(given.acknowledge(upTo: 7) == [5, 7] && given.offsets == [6])
  }

  /// A monitor's bot lives long, and there are always new workspaces.
  @Test func workspaceWithNothingToAcknowledgeTakesNoMemoryOfASession() {
    var workload = SessionWorkload(maxUnacknowledged: 256)
    for number in 1...1_000 {
      let workspace = WorkspaceID("w\(number)")!
      workload.sent(1, of: workspace)
      workload.acknowledged(upTo: 1, in: workspace)
    }
    #expect(workload.workspaceCount == 0 && workload.work == nil)
  }
}
