import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import NIOCore
import Testing

@testable import CasebusBroker

/// Who gets what, when again, and where the consumer is then.
@Suite struct ConsumerQueueTests {
  let one = SessionKey(loop: 0, number: 1)
  let two = SessionKey(loop: 0, number: 2)
  let start = Timestamp(milliseconds: 1_000_000)

  func queue(
    last: JournalOffset = 0, inFlight: Int = 256, deliveries: Int = 5, names: Set<String> = ["interaction"]
  ) -> ConsumerQueue {
    let limits = ConsumerQueue.Limits(maxUnacknowledged: inFlight, maxDeliveries: deliveries)
    return ConsumerQueue(names: names, limits: limits, position: 0, last: last)
  }

  @Test func eventGoesToTheOnlySession() {
    var queue = queue()
    #expect(queue.sessionJoined(one, at: start) == ConsumerQueue.Actions())
    let actions = queue.recordsAppended([.of(1)], at: start)
    #expect(actions.deliveries == [ConsumerQueue.Delivery(session: one, record: .of(1), number: 1)])
    #expect(actions.position == nil && queue.position == 0 && queue.unacknowledged == 1)
  }

  @Test func acknowledgementIsCumulativeAndMovesThePosition() throws {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended((1...4).map { .of($0) }, at: start)
    #expect(try queue.acknowledged(by: one, upTo: 3, at: start).position == 3)
    #expect(try queue.acknowledged(by: one, upTo: 3, at: start) == ConsumerQueue.Actions())
    #expect(try queue.acknowledged(by: one, upTo: 4, at: start).position == 4)
  }

  @Test func positionIsTheLargestOffsetBelowWhichAllIsDone() throws {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.sessionJoined(two, at: start)
    let given = queue.recordsAppended([.of(1), .of(2), .of(3), .of(4)], at: start).given
    #expect(given == [two: [1, 3], one: [2, 4]])
    #expect(try queue.acknowledged(by: one, upTo: 4, at: start).position == nil)
    #expect(try queue.acknowledged(by: two, upTo: 1, at: start).position == 2)
    #expect(try queue.acknowledged(by: two, upTo: 4, at: start).position == 4)
  }

  @Test func acknowledgementOfWhatWasNeverDeliveredFails() {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended([.of(1), .of(2)], at: start)
    #expect(throws: Failure.self) { try queue.acknowledged(by: one, upTo: 3, at: start) }
    #expect(queue.position == 0 && queue.unacknowledged == 2)
  }

  @Test func acknowledgementByAStrangerIsNoMatter() throws {
    var queue = queue()
    _ = queue.sessionJoined(one, at: start)
    _ = queue.recordsAppended([.of(1)], at: start)
    #expect(try queue.acknowledged(by: two, upTo: 1, at: start) == ConsumerQueue.Actions())
    #expect(queue.unacknowledged == 1)
  }

  @Test func unwantedEventsAreDoneWithoutBeingHeld() {
    var queue = queue(inFlight: 4)
    let unwanted = (1...10_000).map { ConsumerRecord.of($0, event: "agent") }
    #expect(queue.recordsAppended(unwanted, at: start).position == 10_000)
    #expect(queue.entries.isEmpty)
    _ = queue.sessionJoined(one, at: start)
    #expect(queue.recordsAppended([.of(10_001), .of(10_002, event: "agent")], at: start).given == [one: [10_001]])
    #expect(queue.entries.count == 1)
  }

  @Test func withoutASessionNothingIsHeld() {
    var queue = queue()
    let actions = queue.recordsAppended([.of(1), .of(2)], at: start)
    #expect(actions == ConsumerQueue.Actions() && queue.entries.isEmpty)
    #expect(queue.sessionJoined(one, at: start).read == ConsumerQueue.Read(after: 0, limit: 320))
  }

  @Test func backlogIsReadInPagesAsThereIsRoom() throws {
    var queue = queue(last: 1_000, inFlight: 10)
    #expect(queue.sessionJoined(one, at: start).read == ConsumerQueue.Read(after: 0, limit: 74))
    let first = queue.recordsRead((1...74).map { .of($0) }, at: start)
    #expect(first.given == [one: Array(1...10)] && first.read == nil)
    // 64 wait; a read is worth it when half of them are gone.
    var acknowledged: JournalOffset = 0
    var read: ConsumerQueue.Read?
    while read == nil {
      acknowledged += 1
      read = try queue.acknowledged(by: one, upTo: acknowledged, at: start).read
    }
    #expect(acknowledged == 32 && read == ConsumerQueue.Read(after: 74, limit: 32))
  }

  @Test func whatIsAppendedDuringAReadIsReadLater() {
    var queue = queue(last: 2)
    _ = queue.sessionJoined(one, at: start)
    #expect(queue.recordsAppended([.of(3)], at: start) == ConsumerQueue.Actions())
    let actions = queue.recordsRead([.of(1), .of(2)], at: start)
    #expect(actions.given == [one: [1, 2]] && actions.read == ConsumerQueue.Read(after: 2, limit: 318))
    #expect(queue.recordsRead([.of(3)], at: start).given == [one: [3]])
  }

  @Test func recordsThatAreNoLongerKeptCountAsDone() {
    var queue = queue(last: 100)
    _ = queue.sessionJoined(one, at: start)
    let actions = queue.recordsPruned(before: 51, at: start)
    #expect(actions.position == 50 && actions.read == ConsumerQueue.Read(after: 50, limit: 320))
    #expect(queue.recordsRead([.of(61)], at: start).position == 60)
    #expect(queue.position == 60)
  }

  @Test func readThatFindsNothingEndsTheReading() {
    var queue = queue(last: 5)
    _ = queue.sessionJoined(one, at: start)
    let actions = queue.recordsRead([], at: start)
    #expect(actions.read == nil && actions.position == 5)
  }

  @Test func failedReadIsTriedAgainAtTheNextInput() {
    var queue = queue(last: 5)
    let read = queue.sessionJoined(one, at: start).read
    queue.readFailed()
    #expect(queue.actions(at: start).read == read && read != nil)
  }

  @Test func largeRecordsFillTheWindowBeforeTheirNumberDoes() {
    var queue = queue(last: 100)
    _ = queue.sessionJoined(one, at: start)
    let page = (1...100).map { ConsumerRecord.of($0, bytes: 1 << 20) }
    #expect(queue.recordsRead(page, at: start).given == [one: [1, 2, 3, 4]])
    #expect(queue.lookedAt == 4)
  }
}

extension ConsumerQueue.Actions {
  /// The offsets that each session gets.
  var given: [SessionKey: [JournalOffset]] {
    Dictionary(grouping: deliveries, by: \.session).mapValues { $0.map(\.record.offset) }
  }
}

extension ConsumerQueue.Work {
  /// What a session was at that had acknowledged something before.
  static func worker(at offset: JournalOffset) -> Self { Self(offset: offset, hasAcknowledged: true) }
  /// What a session was at that never acknowledged anything.
  static func newcomer(at offset: JournalOffset) -> Self { Self(offset: offset, hasAcknowledged: false) }
}

extension ConsumerRecord {
  static func of(_ offset: JournalOffset, key: String? = nil, event: String = "interaction", bytes: Int = 2) -> Self {
    ConsumerRecord(
      record: .of(offset, event: event, bytes: bytes), key: key.map { EventKey.interaction(Identifier($0)) })
  }
}

extension JournalRecord {
  static func of(_ offset: JournalOffset, event: String = "interaction", bytes: Int = 2) -> JournalRecord {
    JournalRecord(offset: offset, time: 0, event: event, data: ByteBuffer(repeating: UInt8(ascii: " "), count: bytes))
  }
}
