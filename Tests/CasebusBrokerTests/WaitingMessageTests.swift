import CasebusBroker
import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import Testing

/// Messages that wait for room while something happens to their session or their workspace.
@Suite struct WaitingMessageTests {
  /// A broker that decides nothing while anything is being committed.
  private static func broker(_ journal: any EventJournal) -> TestBroker {
    var configuration = BrokerConfiguration()
    configuration.uncommittedBytesMax = 1
    configuration.workspaceIdleSeconds = 1
    return TestBroker(journal: journal, configuration: configuration)
  }

  private static let block = #"{"request":"interaction.blockMarkdone","parameters":["1","wait"]}"#
  private static let markdone = #"{"request":"interaction.markdone","parameters":["1"],"referenceId":"m"}"#

  /// Nobody is connected to the workspace of a monitor's acknowledgement; it stays in memory until that is answered.
  @Test func acknowledgementOfAMonitorThatWaitsIsAnswered() {
    let journal = HeldJournal()
    let broker = Self.broker(journal)
    let (agent, monitor) = (broker.connect("busy"), broker.connect("*"))
    monitor.joinDurable("bot")
    journal.finishAll(broker)
    _ = monitor.received()
    agent.publish("RINGING")
    monitor.send(#"{"event":"ack","data":{"workspaceId":"elsewhere","offset":0},"referenceId":"a"}"#)
    #expect(monitor.received() == [])
    journal.finishAll(broker)
    // Nobody made the consumer there: it is answered, however that is.
    #expect(monitor.received().count { $0.contains(#""referenceId":"a""#) } == 1)
  }

  @Test func whatASessionAcknowledgedBeforeItEndedDoesNotComeAgain() {
    let journal = HeldJournal()
    let broker = Self.broker(journal)
    let (agent, bot) = (broker.connect(), broker.connect())
    bot.joinDurable("bot")
    journal.finishAll(broker)
    agent.publish("RINGING")
    journal.finishAll(broker)
    #expect(bot.received().last?.offset == 1)
    agent.publish("TALKING")
    bot.acknowledge(1)
    bot.disconnect()
    journal.finishAll(broker)
    let next = broker.connect()
    next.joinDurable("bot")
    journal.finishAll(broker)
    #expect(next.received().dropFirst().map(\.offset) == [2])
  }

  /// It said something while its workspace came into memory, and was gone before that was decided.
  @Test func blockOfASessionThatLeftWhileItWaitedIsLifted() {
    let journal = SimulatedJournal()
    let earlier = TestBroker(journal: journal)
    let source = earlier.connect("b")
    source.publish("IDLE")
    journal.finishEverything(for: earlier)
    let broker = Self.broker(journal)
    let other = broker.connect("a")
    journal.finishEverything(for: broker)
    other.publish("IDLE")
    let client = broker.connect("b")
    client.send(Self.block)
    client.disconnect()
    journal.finishRead(0, succeeds: true)
    broker.run()
    journal.finishEverything(for: broker)
    let agent = broker.connect("b")
    agent.send(Self.markdone)
    journal.finishEverything(for: broker)
    #expect(agent.received().map(\.errorCode) == [""])
  }

  /// The first waits for room; the second comes while the workspace is read again.
  @Test func messagesKeepTheirOrderWhenTheirWorkspaceIsReadAgain() {
    let journal = SimulatedJournal()
    let another = TestBroker(journal: journal)
    let rival = another.connect("b")
    let broker = Self.broker(journal)
    let (other, client) = (broker.connect("a"), broker.connect("b"))
    journal.finishEverything(for: another)
    journal.finishEverything(for: broker)
    rival.publish("IDLE", "rival")
    journal.finishEverything(for: another)
    client.sendWithoutRunning(TestClient.publication("RINGING", reference: 0).jsonText)
    broker.run()
    other.sendWithoutRunning(TestClient.publication("IDLE").jsonText)
    // While it waits, its workspace turns out to be another one than this broker knew.
    client.sendWithoutRunning(TestClient.publication("TALKING", reference: 1).jsonText)
    other.sendWithoutRunning(TestClient.publication("RINGING").jsonText)
    journal.finishAppend(succeeds: true)
    broker.run()
    client.send(TestClient.publication("IDLE", reference: 2))
    // Now there is room, and the workspace is still being read.
    journal.finishAppend(succeeds: true)
    broker.run()
    journal.finishEverything(for: broker)
    let answers = client.received()
    #expect(answers.map(\.errorCode) == ["", "", ""])
    #expect(answers.map { $0.prefix(16) } == (0...2).map { #"{"referenceId":\#($0)"# })
    #expect(journal.stream(WorkspaceID("b")!).all.count == 4)
  }
}

// MARK: - Blocks of those who are gone

extension WaitingMessageTests {
  /// A session of the consumer said it before the consumer was deleted.
  @Test func blockThatIsDecidedAfterItsConsumerWasDeletedGoesWithItsSession() {
    let journal = SimulatedJournal()
    let broker = Self.broker(journal)
    let (other, agent, bot) = (broker.connect("a"), broker.connect("b"), broker.connect("b"))
    bot.joinDurable("bot")
    journal.finishEverything(for: broker)
    agent.publish("IDLE")
    journal.finishEverything(for: broker)
    agent.send(#"{"request":"consumer.delete","parameters":["bot"]}"#)
    journal.finishRead(0, succeeds: true)
    broker.run()
    other.publish("IDLE")
    bot.send(Self.block)
    // The deletion, and then what the block waited for.
    journal.finishAppend(succeeds: true)
    broker.run()
    #expect(bot.sink.closed?.code == .consumerDeleted)
    journal.finishEverything(for: broker)
    bot.disconnect()
    journal.finishEverything(for: broker)
    _ = agent.received()
    agent.send(Self.markdone)
    journal.finishEverything(for: broker)
    #expect(agent.received().map(\.errorCode) == [""])
  }

  /// Whether a workspace has left memory, of a broker that has room for one.
  private static func hasLeft(_ broker: TestBroker, _ journal: HeldJournal) -> Bool {
    for _ in 1...3 {
      broker.advance(milliseconds: 1_000)
      journal.finishAll(broker)
    }
    return broker.connect("next").sink.closed == nil
  }

  private static func brokerOfOneWorkspace(_ journal: HeldJournal) -> TestBroker {
    var configuration = BrokerConfiguration()
    configuration.workspacesMax = 1
    configuration.workspaceIdleSeconds = 1
    return TestBroker(journal: journal, configuration: configuration)
  }

  /// The interaction ends, and with it the block of somebody who leaves before that is durable.
  @Test func workspaceLeavesMemoryAfterABlockEndedWithItsInteraction() {
    let journal = HeldJournal(LastingJournal())
    let broker = Self.brokerOfOneWorkspace(journal)
    let (agent, blocker) = (broker.connect("w"), broker.connect("w"))
    agent.publish("IDLE")
    blocker.send(Self.block)
    journal.finishAll(broker)
    agent.publish("COMPLETED")
    blocker.disconnect()
    agent.disconnect()
    journal.finishAll(broker)
    #expect(Self.hasLeft(broker, journal))
  }

  @Test func workspaceLeavesMemoryAfterABlockExpired() {
    let journal = HeldJournal(LastingJournal())
    let broker = Self.brokerOfOneWorkspace(journal)
    let (agent, blocker) = (broker.connect("w"), broker.connect("w"))
    agent.publish("IDLE")
    blocker.send(Self.block)
    journal.finishAll(broker)
    broker.advance(milliseconds: BrokerConfiguration().workspaceRules.blockMarkdoneTimeoutMilliseconds)
    blocker.disconnect()
    agent.disconnect()
    journal.finishAll(broker)
    #expect(Self.hasLeft(broker, journal))
  }

  /// The journal takes the block, and not its end: its session is gone by then.
  @Test func blockWhoseEndWasUndoneGoesWithItsSession() {
    let journal = SimulatedJournal()
    let broker = TestBroker(journal: journal)
    let (agent, blocker) = (broker.connect("w"), broker.connect("w"))
    journal.finishEverything(for: broker)
    agent.publish("IDLE")
    journal.finishEverything(for: broker)
    blocker.send(Self.block)
    blocker.send(#"{"request":"interaction.unblockMarkdone","parameters":["1"]}"#)
    blocker.disconnect()
    journal.finishAppend(succeeds: true)
    broker.run()
    journal.finishAppend(succeeds: false)
    broker.run()
    agent.publish("RINGING", "2")
    journal.finishEverything(for: broker)
    _ = agent.received()
    agent.send(Self.markdone)
    journal.finishEverything(for: broker)
    #expect(agent.received().map(\.errorCode) == [""])
  }

  /// What is undone with a commit was never there to be lifted.
  @Test func workspaceLeavesMemoryAfterABlockWasUndone() {
    let journal = HeldJournal(LastingJournal())
    let broker = Self.brokerOfOneWorkspace(journal)
    let (agent, blocker) = (broker.connect("w"), broker.connect("w"))
    agent.publish("IDLE")
    journal.finishAll(broker)
    blocker.send(Self.block)
    blocker.disconnect()
    agent.disconnect()
    journal.finish(.failure(.unavailable("disk full")))
    broker.run()
    #expect(Self.hasLeft(broker, journal))
  }
}

extension HeldJournal {
  /// Ends the running commit, and those that follow it.
  fileprivate func finishAll(_ broker: TestBroker) {
    for _ in 1...10 {
      finish(.success(()))
      broker.run()
    }
  }
}
