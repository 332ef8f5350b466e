import CasebusBroker
import CasebusJournal
import CasebusProtocol
import NIOCore
import Testing

/// Several sessions of one durable consumer, and one over all workspaces (Protocol §9.3, §9.5).
@Suite struct DurableSharingTests {
  @Test func eachEventGoesToOneSessionAndAnInteractionStaysWithIts() {
    let broker = TestBroker()
    let agent = broker.connect()
    let bots = [broker.connect(), broker.connect()]
    for bot in bots { bot.joinDurable("bot") }
    _ = bots.map { $0.received() }
    for id in ["1", "2", "3", "4"] { agent.publish("RINGING", id) }
    for id in ["4", "3", "2", "1"] { agent.publish("TALKING", id) }
    let received = bots.map { $0.received() }
    #expect(received.map(\.count) == [4, 4])
    for messages in received {
      let ringing = Set(messages.filter { $0.contains("RINGING") }.map(\.interactionID))
      let talking = Set(messages.filter { $0.contains("TALKING") }.map(\.interactionID))
      #expect(ringing == talking && ringing.count == 2)
    }
  }

  @Test func whatALostSessionHadGoesToTheOthers() {
    let broker = TestBroker()
    let agent = broker.connect()
    let (first, second) = (broker.connect(), broker.connect())
    first.joinDurable("bot")
    agent.publish("RINGING")
    second.joinDurable("bot")
    agent.publish("TALKING")
    #expect(first.received().dropFirst().map(\.offset) == [1, 2])
    _ = second.received()
    first.disconnect()
    let events = second.received()
    #expect(events.map(\.offset) == [1, 2] && events.allSatisfy { $0.hasSuffix(#","delivery":2}"#) })
  }

  @Test func noMoreThanAllowedAreWithASessionAndTheRestFollows() {
    var configuration = BrokerConfiguration()
    configuration.maxUnacknowledged = 3
    let (_, agent, bot) = DurableTests.botAndAgent(configuration: configuration)
    for number in 1...10 { agent.publish("RINGING", "\(number)") }
    #expect(bot.received().map(\.offset) == [1, 2, 3])
    bot.acknowledge(2)
    #expect(bot.received().map(\.offset) == [2 + 8, 4, 5])
    for offset in stride(from: 5, through: 8, by: 3) { bot.acknowledge(offset) }
    bot.acknowledge(10)
    #expect(bot.received().compactMap(\.offset).filter { $0 < 10 } == [6, 7, 8, 9])
  }

  @Test func aLargeBacklogIsReadFromTheJournalAsTheSessionTakesIt() {
    let broker = TestBroker(journal: MemoryJournal(recordsPerWorkspaceMax: 5_000))
    let (agent, bot) = (broker.connect(), broker.connect())
    bot.joinDurable("bot")
    bot.disconnect()
    for number in 1...2_000 { agent.publish("RINGING", "\(number % 500)") }
    let again = broker.connect()
    again.joinDurable("bot")
    var offsets: [Int] = []
    while offsets.count < 2_000 {
      let new = again.received().filter { $0.contains("RINGING") }.compactMap(\.offset)
      guard !new.isEmpty, new.count <= 256 else { break }
      offsets += new
      again.acknowledge(new.last!)
    }
    #expect(offsets == Array(1...2_000))
  }

  @Test func recordsThatAreNoLongerKeptAreSkipped() {
    let broker = TestBroker(journal: MemoryJournal(recordsPerWorkspaceMax: 10))
    let (agent, bot) = (broker.connect(), broker.connect())
    bot.joinDurable("bot")
    bot.disconnect()
    for number in 1...100 { agent.publish("RINGING", "\(number)") }
    let again = broker.connect()
    again.joinDurable("bot")
    #expect(again.received().dropFirst().map(\.offset) == Array(91...100))
  }

  @Test func aSessionThatDoesNotReadGetsNoMoreAndIsClosedInTheEnd() {
    let (broker, agent, bot) = DurableTests.botAndAgent()
    let large = String(repeating: "x", count: 50_000)
    bot.sink.isWritable = false
    for _ in 1...20 {
      agent.send(
        #"{"event":"publish","data":{"event":"interaction","data":{"eventType":"RINGING","interaction":{"interactionId":"1","ani":"\#(large)"}}}}"#
      )
    }
    #expect(bot.received().count == 3)
    broker.advance(milliseconds: 30_000)
    #expect(bot.sink.closed?.code == .slowConsumer)
    bot.disconnect()
    let other = broker.connect()
    other.joinDurable("bot")
    #expect(other.received().dropFirst().map(\.offset) == Array(1...20))
  }
}

// MARK: - All workspaces

extension DurableSharingTests {
  @Test func consumerOfAllWorkspacesGetsTheEventsOfAll() {
    let broker = TestBroker()
    let (north, south) = (broker.connect("north"), broker.connect("south"))
    let bot = broker.connect("*")
    bot.joinDurable("bot")
    #expect(
      bot.received() == [
        #"{"referenceId":"d","subscriptionId":"\#(bot.session.id)-1","userAgent":"WWE Server","protocolVersion":2,"durable":"bot"}"#
      ])
    north.publish("RINGING")
    south.publish("RINGING")
    broker.connect("new").publish("RINGING")
    let events = bot.received()
    #expect(events.map(\.workspaceID) == ["north", "south", "new"] && events.map(\.offset) == [1, 1, 1])
    bot.acknowledge(1, in: "south")
    #expect(bot.received() == [#"{"referenceId":"a","data":null,"userAgent":"WWE Server","protocolVersion":2}"#])
    bot.disconnect()
    let again = broker.connect("*")
    again.joinDurable("bot")
    #expect(Set(again.received().dropFirst().map(\.workspaceID)) == ["north", "new"])
  }

  @Test func backlogOfWorkspacesThatLeftMemoryIsFound() {
    let journal = LastingJournal()
    let first = TestBroker(journal: journal)
    let bot = first.connect("*")
    bot.joinDurable("bot", since: #""beginning""#)
    bot.disconnect()
    for number in 1...5 { first.connect("w\(number)").publish("RINGING") }
    let broker = TestBroker(journal: journal)
    let again = broker.connect("*")
    again.joinDurable("bot")
    #expect(Set(again.received().dropFirst().map(\.workspaceID)) == ["w1", "w2", "w3", "w4", "w5"])
    for number in 1...5 { again.acknowledge(1, in: "w\(number)") }
    _ = again.received()
    // They leave memory; what happens there later comes nevertheless.
    broker.advance(milliseconds: 60_000)
    broker.advance(milliseconds: 60_000)
    broker.connect("w3").publish("TALKING")
    #expect(again.received().map(\.offset) == [2])
  }

  @Test func monitorsAcknowledgementNamesItsWorkspace() {
    let bot = TestBroker().connect("*")
    bot.acknowledge(0, in: "w")
    bot.joinDurable("bot")
    bot.acknowledge(0)
    bot.acknowledge(1, in: "w")
    bot.acknowledge(0, in: "w")
    #expect(bot.received().map(\.errorCode) == ["invalid_message", "", "invalid_message", "invalid_parameters", ""])
  }

  @Test func manyWorkspacesShareTheRoomInTurn() {
    var configuration = BrokerConfiguration()
    configuration.spanningUnacknowledgedMax = 4
    let broker = TestBroker(configuration: configuration)
    let bot = broker.connect("*")
    bot.joinDurable("bot")
    _ = bot.received()
    let agents = (1...3).map { broker.connect("w\($0)") }
    for _ in 1...4 { for agent in agents { agent.publish("RINGING") } }
    var events = bot.received()
    #expect(events.count == 4)
    var received: [String: [Int]] = [:]
    while let event = events.first {
      received[event.workspaceID, default: []].append(event.offset!)
      bot.acknowledge(event.offset!, in: event.workspaceID)
      events = events.dropFirst() + bot.received().filter { $0.contains("RINGING") }
      #expect(events.count <= 4)
    }
    #expect(received == ["w1": [1, 2, 3, 4], "w2": [1, 2, 3, 4], "w3": [1, 2, 3, 4]])
  }

  /// It went round and round once: there was room, but a broker that stops gives nothing.
  @Test func eventsThatAreCommittedDuringAStopWaitForTheNextBroker() {
    let journal = SimulatedJournal()
    let broker = TestBroker(journal: journal)
    let (bot, agent) = (broker.connect("*"), broker.connect("w1"))
    bot.joinDurable("bot")
    journal.finishEverything(for: broker)
    #expect(bot.received().count == 1)
    agent.publish("RINGING")
    broker.broker.drain(within: .seconds(1))
    broker.run()
    journal.finishEverything(for: broker)
    bot.disconnect()
    #expect(bot.received() == [] && bot.sink.closed?.code == .shuttingDown)
  }
}

extension String {
  var workspaceID: String { (try? JSONValue(parsing: self))?["workspaceId"]?.stringValue ?? "" }
  fileprivate var interactionID: String {
    (try? JSONValue(parsing: self))?["data"]?["interaction"]?["interactionId"]?.stringValue ?? ""
  }
}
