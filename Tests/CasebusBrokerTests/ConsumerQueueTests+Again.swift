import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import Testing

@testable import CasebusBroker

/// What is given again, and how sessions share.
extension ConsumerQueueTests {
  @Test func sessionThatLeavesGivesItsEventsToTheOthers() {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended([.of(1), .of(2)], at: start)
    _ = queue.sessionJoined(two, at: start)
    let actions = queue.sessionLeft(one, during: .worker(at: 1), at: start)
    #expect(actions.deliveries.map(\.number) == [2, 2] && actions.given == [two: [1, 2]])
  }

  @Test func eventsWaitForASessionAndCountTheirDeliveries() {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended([.of(1)], at: start)
    #expect(queue.sessionLeft(one, during: .worker(at: 1), at: start) == ConsumerQueue.Actions())
    #expect(!queue.isIdle(upTo: 1) && queue.nextDeadline == nil)
    #expect(queue.sessionJoined(two, at: start).deliveries.map(\.number) == [2])
  }

  @Test func lastSessionThatLeavesTakesTheReadAheadWithIt() {
    var queue = queue(inFlight: 2)
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended((1...5).map { .of($0) }, at: start)
    _ = queue.sessionLeft(one, at: start)
    #expect(queue.entries.keys.sorted() == [1, 2] && queue.lookedAt == 2 && queue.position == 0)
    let actions = queue.sessionJoined(two, at: start)
    #expect(actions.given == [two: [1, 2]] && actions.read == ConsumerQueue.Read(after: 2, limit: 64))
  }

  @Test func timeoutGivesTheEventAgain() {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended([.of(1)], at: start)
    #expect(queue.nextDeadline == start.advanced(byMilliseconds: 30_000))
    #expect(queue.deadlineReached(at: start.advanced(byMilliseconds: 29_999)) == ConsumerQueue.Actions())
    let again = queue.deadlineReached(at: start.advanced(byMilliseconds: 30_000))
    #expect(again.deliveries == [ConsumerQueue.Delivery(session: one, record: .of(1), number: 2)])
    #expect(queue.nextDeadline == start.advanced(byMilliseconds: 60_000))
  }

  @Test func timeoutTakesTheLaterEventsOfTheKeyAlongButNoOthers() {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended([.of(1, key: "a"), .of(2, key: "b")], at: start)
    let later = start.advanced(byMilliseconds: 20_000)
    _ = queue.recordsAppended([.of(3, key: "a"), .of(4)], at: later)
    let again = queue.deadlineReached(at: start.advanced(byMilliseconds: 30_000))
    #expect(again.deliveries.map(\.record.offset) == [1, 3] && again.deliveries.map(\.number) == [2, 2])
  }

  @Test(arguments: [1, 2, 5]) func eventIsParkedAfterTheLastDelivery(maxDeliveries: Int) {
    var queue = queue(deliveries: maxDeliveries)
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended([.of(1)], at: start)
    var now = start
    for number in 1..<maxDeliveries {
      now = now.advanced(byMilliseconds: 30_000)
      #expect(queue.deadlineReached(at: now).deliveries.map(\.number) == [number + 1])
    }
    now = now.advanced(byMilliseconds: 30_000)
    let actions = queue.deadlineReached(at: now)
    #expect(
      actions.parked == [
        ParkedRecord(offset: 1, deliveries: maxDeliveries, time: now.milliseconds, reason: .ackTimeout)
      ])
    #expect(actions.deliveries.isEmpty && actions.position == 1 && queue.nextDeadline == nil)
  }

  @Test func sessionThatLeavesAtTheLastDeliveryParks() {
    var queue = queue(deliveries: 1)
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended([.of(1), .of(2)], at: start)
    let actions = queue.sessionLeft(one, during: .worker(at: 1), at: start)
    #expect(
      actions.parked == [
        ParkedRecord(offset: 1, deliveries: 1, time: start.milliseconds, reason: .sessionEnded)
      ])
    #expect(actions.position == 1 && queue.entries.keys.sorted() == [2])
  }

  @Test func noMoreAreInFlightThanAllowed() throws {
    var queue = queue(inFlight: 3)
    _ = queue.sessionJoined(one, at: start)
    #expect(queue.recordsAppended((1...5).map { .of($0) }, at: start).given == [one: [1, 2, 3]])
    #expect(try queue.acknowledged(by: one, upTo: 2, at: start).given == [one: [4, 5]])
  }
}

// MARK: - Sharing

extension ConsumerQueueTests {
  @Test func newKeyGoesToTheSessionWithTheLeastToDo() {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended([.of(1), .of(2)], at: start)
    _ = queue.sessionJoined(two, at: start)
    #expect(queue.recordsAppended([.of(3, key: "a"), .of(4, key: "b")], at: start).given == [two: [3, 4]])
  }

  @Test func keyStaysWithItsSessionEvenWhenAllIsAcknowledged() throws {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended([.of(1, key: "a")], at: start)
    _ = try queue.acknowledged(by: one, upTo: 1, at: start)
    _ = queue.sessionJoined(two, at: start)
    _ = queue.recordsAppended([.of(2, key: "a"), .of(3, key: "a")], at: start)
    #expect(queue.recordsAppended([.of(4, key: "a"), .of(5)], at: start).given == [one: [4], two: [5]])
  }

  @Test func keyGoesToAnotherSessionWhenItsOwnLeaves() {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended([.of(1, key: "a")], at: start)
    _ = queue.sessionJoined(two, at: start)
    _ = queue.sessionLeft(one, at: start)
    _ = queue.sessionJoined(one, at: start)
    #expect(queue.recordsAppended([.of(2, key: "a")], at: start).given == [two: [2]])
  }

  @Test func equallyBusySessionsTakeTurns() {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.sessionJoined(two, at: start)
    var firsts: [SessionKey] = []
    for offset: JournalOffset in 1...4 {
      let delivery = queue.recordsAppended([.of(offset)], at: start).deliveries[0]
      firsts.append(delivery.session)
      _ = try? queue.acknowledged(by: delivery.session, upTo: offset, at: start)
    }
    #expect(firsts == [two, one, two, one])
  }

  @Test func keysAreForgottenBeyondTheirMaximumButNotThoseInUse() {
    var keys = KeyAffinity(keysMax: 4)
    keys.given(.interaction("used"), to: one)
    for number in 1...100 {
      keys.given(.caseID("\(number)"), to: two)
      keys.takenBack(.caseID("\(number)"))
      #expect(keys.count <= 5)
    }
    #expect(keys.session(of: .interaction("used")) == one)
    #expect(keys.session(of: .caseID("100")) == two && keys.session(of: .caseID("1")) == nil)
  }

  /// The last session leaves while a parked record is read, and gives back one that was read before it.
  @Test func parkedEventThatWasGivenBackWhileAnotherOneWasReadIsNotLost() throws {
    let limits = ConsumerQueue.Limits(maxUnacknowledged: 1)
    var queue = ConsumerQueue(names: ["interaction"], limits: limits, position: 5, last: 5, again: [1, 2, 3])
    #expect(queue.sessionJoined(one, at: start).readAgain == 1)
    #expect(queue.recordReadAgain(.of(1), at: start).readAgain == 2)
    #expect(queue.recordReadAgain(.of(2), at: start).readAgain == 3)
    _ = queue.sessionLeft(one, at: start)
    _ = queue.sessionJoined(two, at: start)
    var (unparked, given): ([JournalOffset], [JournalOffset]) = ([], [1])
    var actions = queue.recordReadAgain(.of(3), at: start)
    for _ in 1...10 {
      unparked += actions.unparked
      given += actions.deliveries.map(\.record.offset)
      if let offset = actions.readAgain {
        actions = queue.recordReadAgain(.of(offset), at: start)
      } else {
        actions = try queue.acknowledged(by: two, upTo: given.last!, at: start)
      }
    }
    #expect(given == [1, 2, 3] && unparked == [1, 2, 3])
  }
}
