import CasebusBroker
import CasebusJournal
import CasebusProtocol
import CasebusTestSupport
import NIOCore
import Testing

@Suite struct SessionTests {
  @Test func tenthMalformedMessageIsAnsweredAndClosesTheSession() {
    let client = TestBroker().connect()
    for _ in 1...9 { client.send("{") }
    #expect(client.received().count == 9 && client.sink.closed == nil)
    client.send("{")
    #expect(client.received().map(\.summary) == ["malformed_message"])
    #expect(client.sink.closed?.code == .tooManyMalformed)
  }

  @Test func binaryMessageIsMalformed() {
    let client = TestBroker().connect()
    client.session.binaryReceived(byteCount: 3)
    client.broker.run()
    #expect(client.received().map(\.summary) == ["malformed_message"])
  }

  @Test func drainingAnswersWhatWasAskedThenCloses() {
    let journal = HeldJournal()
    let broker = TestBroker(journal: journal)
    let (busy, idle) = (broker.connect(), broker.connect())
    busy.send(TestClient.publication("RINGING", reference: "1"))
    broker.broker.drain(within: .seconds(5))
    broker.run()
    #expect(idle.sink.closed?.code == .shuttingDown)
    #expect(busy.sink.closed == nil)
    busy.send(TestClient.publication("TALKING", reference: "2"))
    #expect(busy.received() == [], "an answer does not overtake the one before it")
    journal.finish(.success(()))
    broker.run()
    let answers = busy.received()
    #expect(answers.map(\.summary) == ["1", "2"])
    #expect(answers.last?.contains("shutting_down") == true)
    #expect(busy.sink.closed?.code == .shuttingDown)
    #expect(broker.connect().sink.closed?.code == .shuttingDown)
  }

  @Test func manySessionsAreClosedInBatches() {
    let broker = TestBroker()
    let clients = (0..<200).map { _ in broker.connect() }
    broker.broker.drain(within: .seconds(5))
    broker.run()
    #expect(clients.count { $0.sink.closed != nil } == 50)
    broker.advance(milliseconds: 100)
    #expect(clients.count { $0.sink.closed != nil } == 100)
    broker.advance(milliseconds: 1_000)
    #expect(clients.allSatisfy { $0.sink.closed?.code == .shuttingDown })
    let delays = Set(clients.map { $0.sink.closed!.reason })
    #expect(delays.count > 100 && delays.allSatisfy { $0.hasPrefix("reconnect in ") && $0.hasSuffix(" ms") })
  }

  @Test func drainFitsIntoItsTimeHoweverManySessionsThereAre() {
    let broker = TestBroker()
    let clients = (0..<1_000).map { _ in broker.connect() }
    broker.broker.drain(within: .seconds(1))
    broker.run()
    broker.advance(milliseconds: 800)
    #expect(clients.allSatisfy { $0.sink.closed != nil })
  }

  @Test func readingPausesWhileTooManyMessagesWaitForTheirAnswers() {
    var configuration = BrokerConfiguration()
    configuration.commandsInFlightMax = 4
    let client = TestBroker(configuration: configuration).connect()
    for number in 1...4 {
      #expect(client.sink.isReading)
      client.sendWithoutRunning(#"{"request":"interaction.getInteractions","referenceId":\#(number)}"#)
    }
    #expect(!client.sink.isReading)
    client.broker.run()
    #expect(client.sink.isReading && client.received().count == 4)
  }

  @Test func slowConsumersAreCounted() {
    let broker = TestBroker()
    let (slow, other) = (broker.connect(), broker.connect())
    slow.session.connectionClosed(code: CloseCode.slowConsumer.rawValue, reason: "test", bytesSent: 0)
    other.disconnect()
    #expect(broker.broker.slowConsumerCount == 1)
  }

  @Test func sessionsAreCountedAndLimited() throws {
    var configuration = BrokerConfiguration()
    configuration.sessionsMax = 2
    let broker = TestBroker(configuration: configuration)
    let first = broker.connect()
    _ = broker.connect()
    let failure = try #require(throws: Failure.self) { try broker.broker.reserveSession() }
    #expect(failure.code == .limitExceeded && failure.message.contains("sessionsMax"))
    first.disconnect()
    var reservation: SessionReservation? = try broker.broker.reserveSession()
    #expect(broker.broker.sessionCount == 2 && reservation != nil)
    reservation = nil
    #expect(broker.broker.sessionCount == 1)
  }

  @Test func workspacesAreLimitedAndLeaveWhenEmptyAndUnwatched() {
    var configuration = BrokerConfiguration()
    configuration.workspacesMax = 2
    let broker = TestBroker(configuration: configuration)
    let a = broker.connect("a")
    let b = broker.connect("b")
    b.publish("TALKING")
    #expect(broker.connect("c").sink.closed?.code == .overloaded)
    #expect(broker.connect("a").sink.closed == nil)
    b.disconnect()
    #expect(broker.connect("c").sink.closed?.code == .overloaded, "b has an interaction and stays")
    _ = a
  }

  @Test func refusedSessionThatGoesTakesNobodyElseWithIt() {
    var configuration = BrokerConfiguration()
    configuration.workspacesMax = 1
    let broker = TestBroker(configuration: configuration)
    let other = broker.connect("other")
    let refused = broker.connect("w")
    #expect(refused.sink.closed?.code == .overloaded)
    other.disconnect()
    let client = broker.connect("w")
    client.subscribe("interaction")
    refused.disconnect()
    client.publish("RINGING")
    #expect(client.received().map(\.summary) == ["RINGING"])
  }

  @Test func answerThatIsTooLongIsRefused() {
    var configuration = BrokerConfiguration()
    configuration.answerBytesMax = 500
    let client = TestBroker(configuration: configuration).connect()
    for number in 1...4 { client.publish("RINGING", "\(number)") }
    client.send(#"{"request":"interaction.getInteractions","referenceId":"1"}"#)
    #expect(client.received().first?.contains("answerBytesMax") == true)
    client.send(#"{"request":"interaction.getByInteractionId","parameters":["1"],"referenceId":"2"}"#)
    #expect(client.received().first?.contains("RINGING") == true)
  }

  @Test func emptyWorkspaceMakesRoomWhenItsLastSessionLeaves() {
    var configuration = BrokerConfiguration()
    configuration.workspacesMax = 1
    let broker = TestBroker(configuration: configuration)
    broker.connect("a").disconnect()
    #expect(broker.connect("b").sink.closed == nil)
  }

  @Test func interactionsOutliveTheSessionsOfTheirWorkspace() {
    let broker = TestBroker()
    let source = broker.connect("a")
    source.publish("TALKING")
    source.disconnect()
    let client = broker.connect("a")
    client.send(#"{"request":"interaction.getByInteractionId","parameters":["1"],"referenceId":"1"}"#)
    #expect(client.received().first?.contains("TALKING") == true)
  }

  /// Random subscribing, unsubscribing, leaving and publishing: everybody gets exactly what it wants, in order.
  @Test(arguments: 0..<300)
  func everySessionGetsExactlyWhatItWants(_ seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    var crowd = Crowd(broker: TestBroker())
    for _ in 0..<120 { crowd.step(using: &random) }
    crowd.check()
  }
}

/// Sessions that come, subscribe and go at random, and a model of what each of them must have received.
struct Crowd {
  let broker: TestBroker
  private var members: [(client: TestClient, wanted: [String: Set<String>], expected: [String])] = []
  private var published = 0
  private static let channels = ["messenger:a", "messenger:b", "messenger:c"]

  init(broker: TestBroker) {
    self.broker = broker
    members = [(broker.connect(), [:], [])]
  }

  mutating func step(using random: inout SplitMix64) {
    let index = Int.random(in: members.indices, using: &random)
    switch Int.random(in: 0..<10, using: &random) {
    case 0: members.append((broker.connect(), [:], []))
    case 1 where members.count > 1:
      settle()
      members.remove(at: index).client.disconnect()
    case 2, 3: subscribe(index, using: &random)
    case 4: unsubscribe(index)
    case 5: broker.run()
    default: publish(index, using: &random)
    }
  }

  mutating func check() { settle() }

  /// Lets everything happen, and compares.
  private mutating func settle() {
    broker.run()
    for index in members.indices {
      let received = members[index].client.received().filter { $0.hasPrefix(#"{"event""#) }
      #expect(received.map(\.payload) == members[index].expected)
      members[index].expected = []
    }
  }

  private mutating func subscribe(_ index: Int, using random: inout SplitMix64) {
    let names = Set(Self.channels.filter { _ in Bool.random(using: &random) })
    guard !names.isEmpty else { return }
    settle()
    members[index].client.send([
      "event": "subscribe", "data": .array(names.sorted().map(JSONValue.string)), "referenceId": "s",
    ])
    guard let id = try? JSONValue(parsing: members[index].client.received().last!)["subscriptionId"]?.stringValue else {
      return
    }
    members[index].wanted[id] = names
  }

  private mutating func unsubscribe(_ index: Int) {
    guard let id = members[index].wanted.keys.sorted().first else { return }
    members[index].client.sendWithoutRunning(#"{"event":"unsubscribe","data":"\#(id)","referenceId":"u"}"#)
    members[index].wanted[id] = nil
  }

  private mutating func publish(_ index: Int, using random: inout SplitMix64) {
    published += 1
    let channel = Self.channels.randomElement(using: &random)!
    members[index].client.sendWithoutRunning(
      #"{"event":"publish","data":{"event":"\#(channel)","data":\#(published)}}"#)
    for other in members.indices where other != index {
      if members[other].wanted.values.contains(where: { $0.contains(channel) }) {
        members[other].expected.append(String(published))
      }
    }
  }
}

extension String {
  fileprivate var payload: String { try! JSONValue(parsing: self)["data"]!.jsonText }
}
