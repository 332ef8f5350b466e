import CasebusBroker
import CasebusJournal
import CasebusProtocol
import NIOCore
import Testing

/// Durable consumers over restarts and failures; what is told of them, and their end.
@Suite struct DurableLifeTests {
  @Test func positionSurvivesARestart() {
    let journal = LastingJournal()
    let (_, agent, bot) = DurableTests.botAndAgent(journal: journal)
    for state in ["RINGING", "TALKING", "HELD"] { agent.publish(state) }
    bot.acknowledge(2)
    let broker = TestBroker(journal: journal)
    broker.connect().publish("TALKING")
    let again = broker.connect()
    again.joinDurable("bot")
    let events = again.received().dropFirst()
    #expect(events.map(\.offset) == [3, 4] && events.allSatisfy { !$0.contains("delivery") })
  }

  @Test func parkedEventsAreRememberedOverARestart() {
    let journal = LastingJournal()
    var configuration = BrokerConfiguration()
    configuration.maxDeliveries = 1
    let (_, agent, bot) = DurableTests.botAndAgent(configuration: configuration, journal: journal)
    agent.publish("RINGING")
    bot.disconnect()
    let client = TestBroker(journal: journal).connect()
    client.send(#"{"request":"consumer.list","referenceId":"l"}"#)
    #expect(
      client.received()[0].contains(
        #""data":[{"name":"bot","workspaceId":"default","events":["interaction"],"sessions":0,"position":1,"backlog":0,"unacknowledged":0,"parked":1}]"#
      ))
  }

  @Test func aStopPassesNothingFromOneSessionToTheNext() {
    let journal = LastingJournal()
    var configuration = BrokerConfiguration()
    configuration.maxDeliveries = 2
    let (broker, agent, bot) = DurableTests.botAndAgent(configuration: configuration, journal: journal)
    agent.publish("RINGING")
    let others = (1...3).map { _ in broker.connect() }
    for other in others { other.joinDurable("bot") }
    _ = others.map { $0.received() }
    broker.broker.drain(within: .seconds(1))
    broker.run()
    for client in [bot] + others { client.disconnect() }
    #expect(bot.sink.closed?.code == .shuttingDown && others.allSatisfy { $0.received() == [] })
    let again = TestBroker(journal: journal).connect()
    again.joinDurable("bot")
    #expect(again.received().dropFirst().map(\.offset) == [1])
  }

  @Test func sessionThatIsClosedGivesUpItsEventsAtOnce() {
    let (broker, agent, bot) = DurableTests.botAndAgent()
    agent.publish("RINGING")
    let other = broker.connect()
    other.joinDurable("bot")
    _ = other.received()
    for _ in 1...10 { bot.send("no JSON") }
    #expect(bot.sink.closed?.code == .tooManyMalformed && other.received().map(\.offset) == [1])
  }

  @Test func acknowledgementIsAnsweredAfterTheCommitAndFailsWithIt() {
    let journal = LastingJournal()
    let (broker, agent, bot) = DurableTests.botAndAgent(journal: journal)
    agent.publish("RINGING")
    _ = bot.received()
    journal.failure = .unavailable("disk full")
    bot.acknowledge(1)
    #expect(bot.received().map(\.errorCode) == ["journal_unavailable"])
    journal.failure = nil
    // What could not be kept is kept with the next thing that can.
    agent.publish("TALKING")
    #expect(bot.received().map(\.offset) == [2])
    let again = TestBroker(journal: journal).connect()
    again.joinDurable("bot")
    #expect(again.received().dropFirst().map(\.offset) == [2])
    withExtendedLifetime(broker) {}
  }

  @Test func eventThatCouldNotBeCommittedIsNotDelivered() {
    let journal = LastingJournal()
    let (_, agent, bot) = DurableTests.botAndAgent(journal: journal)
    journal.failure = .unavailable("disk full")
    agent.publish("RINGING")
    #expect(bot.received() == [])
    journal.failure = nil
    agent.publish("DIALING")
    #expect(bot.received().map(\.summary) == ["DIALING"])
  }

  @Test func consumerThatCouldNotBeMadeIsNotThere() {
    let journal = LastingJournal()
    let bot = TestBroker(journal: journal).connect()
    bot.send(#"{"request":"consumer.list"}"#)
    _ = bot.received()
    journal.failure = .unavailable("disk full")
    bot.joinDurable("bot")
    bot.send(#"{"request":"consumer.get","parameters":["bot"]}"#)
    #expect(bot.received().map(\.errorCode) == ["journal_unavailable", "consumer_not_found"])
    journal.failure = nil
    bot.joinDurable("bot")
    #expect(bot.received().map(\.errorCode) == [""])
  }

  @Test func blocksOfADurableSessionOutliveItsConnection() {
    let broker = TestBroker()
    let agent = broker.connect()
    agent.subscribe("markdone")
    agent.publish("IDLE")
    let bot = broker.connect()
    bot.send(#"{"request":"interaction.blockMarkdone","parameters":["1","before"]}"#)
    bot.joinDurable("bot")
    bot.send(#"{"request":"interaction.blockMarkdone","parameters":["1","as bot"]}"#)
    #expect(agent.received().map(\.summary) == ["MARKDONE_BLOCKED", "MARKDONE_BLOCKED"])
    bot.disconnect()
    #expect(agent.received().map(\.summary) == ["MARKDONE_UNBLOCKED"])
    let again = broker.connect()
    again.joinDurable("bot")
    again.send(#"{"request":"interaction.unblockMarkdone","parameters":["1"]}"#)
    #expect(agent.received().map(\.summary) == ["MARKDONE_UNBLOCKED"])
  }

  @Test func blockFromBeforeJoiningIsLiftedByItsSession() {
    let broker = TestBroker()
    let (agent, bot) = (broker.connect(), broker.connect())
    agent.subscribe("markdone")
    agent.publish("IDLE")
    bot.send(#"{"request":"interaction.blockMarkdone","parameters":["1","before"]}"#)
    bot.joinDurable("bot")
    #expect(agent.received().map(\.summary) == ["MARKDONE_BLOCKED"])
    bot.send(#"{"request":"interaction.unblockMarkdone","parameters":["1"]}"#)
    #expect(agent.received().map(\.summary) == ["MARKDONE_UNBLOCKED"])
  }

  @Test func blocksOfADeletedConsumerAreLifted() {
    let broker = TestBroker()
    let (agent, bot) = (broker.connect(), broker.connect())
    agent.subscribe("markdone")
    agent.publish("IDLE")
    bot.joinDurable("bot")
    bot.send(#"{"request":"interaction.blockMarkdone","parameters":["1","as bot"]}"#)
    bot.disconnect()
    #expect(agent.received().map(\.summary) == ["MARKDONE_BLOCKED"])
    agent.send(#"{"request":"consumer.delete","parameters":["bot"],"referenceId":"x"}"#)
    #expect(agent.received().map(\.summary) == ["x", "MARKDONE_UNBLOCKED"])
  }

  /// The broker ended between the deletion and the lifting.
  @Test func blockOfAConsumerThatIsNoMoreIsLiftedWhenTheWorkspaceComesIntoMemory() async throws {
    let journal = LastingJournal()
    let broker = TestBroker(journal: journal)
    let (agent, bot) = (broker.connect(), broker.connect())
    agent.publish("IDLE")
    bot.joinDurable("bot")
    bot.send(#"{"request":"interaction.blockMarkdone","parameters":["1","as bot"]}"#)
    journal.append(
      JournalBatch(consumerChanges: [.delete(JournalConsumer.Key(name: "bot", workspace: WorkspaceID("default")!))])
    ) { _ in }
    let later = TestBroker(journal: journal).connect()
    later.send(#"{"request":"interaction.markdone","parameters":["1"],"referenceId":"m"}"#)
    #expect(later.received().map(\.errorCode) == [""])
  }

  @Test func parkedEventsComeAgainAfterARestart() {
    let journal = LastingJournal()
    var configuration = BrokerConfiguration()
    configuration.maxDeliveries = 1
    let (broker, agent, bot) = DurableTests.botAndAgent(configuration: configuration, journal: journal)
    agent.publish("RINGING")
    bot.disconnect()
    let looker = broker.connect()
    for expected in ["1", "0"] {
      looker.send(#"{"request":"consumer.redeliver","parameters":["bot",{}],"referenceId":"r"}"#)
      #expect(looker.received().map { $0.hasPrefix(#"{"referenceId":"r","data":\#(expected),"#) } == [true])
    }
    let later = TestBroker(journal: journal, configuration: configuration)
    let again = later.connect()
    again.joinDurable("bot")
    #expect(again.received().dropFirst().map(\.offset) == [1])
    again.acknowledge(1)
    let list = TestBroker(journal: journal).connect()
    list.send(#"{"request":"consumer.get","parameters":["bot"]}"#)
    #expect(list.received()[0].contains(#""parked":[]"#))
    list.joinDurable("bot")
    #expect(list.received().count == 1)
  }

  @Test func redeliveryOfWhatIsNotThereFails() {
    let (_, _, bot) = DurableTests.botAndAgent()
    bot.send(#"{"request":"consumer.redeliver","parameters":["other",{}]}"#)
    bot.send(#"{"request":"consumer.redeliver","parameters":["bot",{"workspaceId":"elsewhere"}]}"#)
    bot.send(#"{"request":"consumer.redeliver","parameters":["bot",{"Offset":1}]}"#)
    #expect(
      bot.received().map(\.errorCode) == ["consumer_not_found", "invalid_parameters", "invalid_parameters"])
  }
}

// MARK: - Requests

extension DurableLifeTests {
  @Test func deletingClosesTheSessionsAfterTheAnswer() {
    let (broker, agent, bot) = DurableTests.botAndAgent()
    let other = broker.connect()
    other.joinDurable("bot")
    agent.publish("RINGING")
    _ = (bot.received(), other.received())
    bot.send(#"{"request":"consumer.delete","parameters":["bot"],"referenceId":"x"}"#)
    #expect(bot.received().map(\.summary) == ["x"] && bot.sink.closed?.code == .consumerDeleted)
    #expect(other.sink.closed?.code == .consumerDeleted)
    agent.send(#"{"request":"consumer.delete","parameters":["bot"]}"#)
    agent.send(#"{"request":"consumer.list"}"#)
    let answers = agent.received()
    #expect(answers[0].errorCode == "consumer_not_found" && answers[1].contains(#""data":[]"#))
    let again = broker.connect()
    again.joinDurable("bot")
    #expect(again.received().count == 1)
  }

  @Test func deletionThatTheJournalDidNotTakeChangesNothing() {
    let journal = LastingJournal()
    let (_, agent, bot) = DurableTests.botAndAgent(journal: journal)
    journal.failure = .unavailable("disk full")
    agent.send(#"{"request":"consumer.delete","parameters":["bot"]}"#)
    #expect(agent.received().map(\.errorCode) == ["journal_unavailable"])
    journal.failure = nil
    agent.publish("RINGING")
    #expect(bot.received().count == 1 && bot.sink.closed == nil)
  }

  @Test func workspacesAndMonitorsSeeTheirOwnConsumers() {
    let broker = TestBroker()
    let (bot, monitor) = (broker.connect("w"), broker.connect("*"))
    bot.joinDurable("b")
    broker.connect("w").joinDurable("a")
    monitor.joinDurable("b", #"["markdone"]"#)
    let (client, watcher) = (broker.connect("w"), broker.connect("*"))
    client.publish("RINGING")
    client.send(#"{"request":"consumer.list"}"#)
    watcher.send(#"{"request":"consumer.list"}"#)
    watcher.send(#"{"request":"consumer.get","parameters":["b"]}"#)
    watcher.send(#"{"request":"consumer.get","parameters":["a"]}"#)
    let list = client.received()[0]
    #expect(
      list.contains(#""data":[{"name":"a","workspaceId":"w""#) && list.contains(#"{"name":"b","workspaceId":"w""#))
    #expect(list.contains(#""sessions":1,"position":0,"backlog":1,"unacknowledged":1,"parked":0"#))
    let answers = watcher.received()
    let summary =
      #"{"name":"b","workspaceId":null,"events":["markdone"],"sessions":1,"backlog":0,"unacknowledged":0,"parked":0"#
    #expect(
      answers[0].contains(#""data":[\#(summary)}]"#) && answers[1].contains(#""data":\#(summary),"workspaces":[]}"#))
    #expect(answers[2].errorCode == "consumer_not_found")
  }

  @Test func limitOfConsumersHolds() {
    var configuration = BrokerConfiguration()
    configuration.consumersMax = 2
    let broker = TestBroker(configuration: configuration)
    for name in ["a", "b", "c"] {
      let bot = broker.connect()
      bot.joinDurable(name)
      #expect(bot.received()[0].errorCode == (name == "c" ? "limit_exceeded" : ""))
    }
    broker.connect().send(#"{"request":"consumer.delete","parameters":["a"]}"#)
    let bot = broker.connect("*")
    bot.joinDurable("c")
    #expect(bot.received()[0].errorCode == "")
  }
}
