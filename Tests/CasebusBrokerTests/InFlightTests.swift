import CasebusBroker
import CasebusJournal
import CasebusProtocol
import NIOCore
import NIOEmbedded
import Testing

/// Each bound of what is in flight, met (Protocol §12).
@Suite struct InFlightTests {
  private static let eventBytes = 10_000

  private static func publication(_ number: Int) -> String {
    let padding = String(repeating: "x", count: eventBytes)
    return #"{"event":"publish","referenceId":"\#(number)","data":{"event":"agent","data":{"p":"\#(padding)"}}}"#
  }

  private static func configuration(_ set: (inout BrokerConfiguration) -> Void) -> BrokerConfiguration {
    var configuration = BrokerConfiguration()
    set(&configuration)
    return configuration
  }

  @Test func noMoreIsReadThanMayBeInFlightInBytes() {
    let journal = HeldJournal()
    let broker = TestBroker(
      journal: journal, configuration: Self.configuration { $0.messageBytesInFlightMax = 50_000 })
    let client = broker.connect()
    client.feed((1...100).map(Self.publication))
    broker.run()
    #expect(!client.sink.isReading && client.sink.unreadCount == 95)
    journal.finish(.success(()))
    broker.run()
    #expect(!client.sink.isReading && client.sink.unreadCount == 90)
    for _ in 1...40 {
      journal.finish(.success(()))
      broker.run()
    }
    #expect(client.sink.isReading && client.received().count == 100)
  }

  @Test func noMoreIsDecidedThanMayWaitForTheJournal() {
    let journal = HeldJournal()
    let broker = TestBroker(journal: journal, configuration: Self.configuration { $0.uncommittedBytesMax = 100_000 })
    let clients = (1...10).map { _ in broker.connect() }
    for client in clients { client.feed((1...20).map(Self.publication)) }
    broker.run()
    for _ in 1...80 {
      journal.finish(.success(()))
      broker.run()
    }
    // The record's data is a part of the event's frame.
    let counts = journal.batches.map(\.count)
    #expect(counts.reduce(0, +) == 200)
    #expect(counts.allSatisfy { $0 <= 100_000 / Self.eventBytes + 1 }, "\(counts)")
    for client in clients { #expect(client.received().map(\.summary) == (1...20).map(String.init)) }
  }

  /// The loop of a session stands still: nothing more is decided for it than may wait there.
  @Test func noMoreIsDecidedThanMayWaitForTheSessionsOfALoop() throws {
    // One commit more may be released when the limit is met, so that it is bounded, too.
    let configuration = Self.configuration {
      $0.undeliveredBytesMax = 100_000
      $0.uncommittedBytesMax = 40_000
    }
    let broker = TestBroker(configuration: configuration, loopCount: 2)
    // If the loop that stands still hosts the workspace, nothing is answered at all meanwhile.
    let subscriber = broker.connect("w", on: 1)
    subscriber.subscribe("agent")
    let source = broker.connect("w", on: 0)
    source.feed((1...100).map(Self.publication))
    for _ in 0..<200 { broker.loops.all[0].advanceTime(by: .milliseconds(1)) }
    let early = source.received().count
    for _ in 0..<200 { broker.loops.advance(milliseconds: 1) }
    #expect(early + source.received().count == 100)
    #expect(subscriber.received().count == 100)
    #expect(early <= 15, "\(early) were answered while nobody could be given the events")
  }

  @Test func noMoreIsPutTogetherThanTheBatchesOfALoopMayHold() {
    let journal = HeldJournal()
    let broker = TestBroker(journal: journal, configuration: Self.configuration { $0.fanoutBytesMax = 30_000 })
    let subscriber = broker.connect()
    subscriber.subscribe("agent")
    let source = broker.connect()
    source.feed((1...20).map(Self.publication))
    broker.run()
    let writes = subscriber.sink.writes
    for _ in 1...3 {
      journal.finish(.success(()))
      broker.run()
    }
    #expect(subscriber.received().count == 20)
    #expect(subscriber.sink.largestWrite <= 30_000 + Self.eventBytes + 200)
    #expect(subscriber.sink.writes - writes >= 5)
  }

  @Test func theNextRequestWaitsWhileTheAnswerBeforeItIsNotTaken() {
    let broker = TestBroker(configuration: Self.configuration { $0.outcomeBytesInFlightMax = 20_000 })
    let client = broker.connect()
    for number in 1...4 {
      client.send(
        #"{"event":"publish","data":{"event":"interaction","data":{"eventType":"RINGING","interaction":{"interactionId":"\#(number)","userData":{"p":"\#(String(repeating: "x", count: 10_000))"}}}}}"#
      )
    }
    client.sink.isWritable = false
    client.feed((1...20).map { #"{"request":"interaction.getInteractions","referenceId":"\#($0)"}"# })
    broker.run()
    #expect(client.received().map(\.summary) == ["1"])
    client.sink.isWritable = true
    broker.run()
    #expect(client.received().map(\.summary) == (2...20).map(String.init))
  }

  /// They wait for its end: until then they are not answered, and count.
  @Test func subscriptionsBehindAReplayThatIsNotReadCountAsUnanswered() {
    let journal = LastingJournal()
    let broker = TestBroker(journal: journal, configuration: Self.configuration { $0.commandsInFlightMax = 40 })
    let source = broker.connect()
    source.feed((1...40).map(Self.publication))
    broker.run()
    let client = broker.connect()
    client.sink.isWritable = false
    client.feed(
      [#"{"event":"subscribe","data":"agent","since":"beginning","referenceId":"s"}"#]
        + (1...100).map { #"{"event":"subscribe","data":"messenger:\#($0)","referenceId":"\#($0)"}"# })
    broker.run()
    #expect(client.sink.unreadCount >= 60)
    client.sink.isWritable = true
    for _ in 1...10 {
      broker.advance(milliseconds: 20)
      broker.run()
    }
    // 63 more subscriptions are allowed.
    #expect(client.sink.unreadCount == 0)
    let answers = client.received().map(\.summary)
    #expect(answers.filter { $0 == "agent" }.count == 40)
    #expect(answers.count == 141 && answers.contains("63") && answers.last == "100")
  }

  /// What it said before is decided, what it asked for is not made for nobody.
  @Test func sessionThatLeavesWhileItsMessagesWaitLeavesBehindThem() {
    let broker = TestBroker(configuration: Self.configuration { $0.outcomeBytesInFlightMax = 1 })
    let (client, witness) = (broker.connect(), broker.connect())
    witness.subscribe("agent", "markdone")
    client.send(
      #"{"event":"publish","data":{"event":"interaction","data":{"eventType":"IDLE","interaction":{"interactionId":"1","userData":{"p":"\#(String(repeating: "x", count: 20_000))"}}}}}"#
    )
    client.sink.isWritable = false
    client.feed([
      #"{"request":"interaction.getInteractions","referenceId":1}"#,
      #"{"request":"interaction.blockMarkdone","parameters":["1","w"],"referenceId":2}"#,
      #"{"request":"interaction.getInteractions","referenceId":3}"#,
      #"{"event":"publish","data":{"event":"agent","data":{"last":true}}}"#,
    ])
    broker.run()
    #expect(witness.received() == [])
    client.disconnect()
    broker.run()
    let kinds = witness.received().map(\.summary)
    #expect(kinds == ["MARKDONE_BLOCKED", "agent", "MARKDONE_UNBLOCKED"])
  }
}
