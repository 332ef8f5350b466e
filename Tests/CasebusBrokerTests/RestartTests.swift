import CasebusBroker
import CasebusJournal
import CasebusProtocol
import Testing

/// What a broker finds that begins where another one ended, and workspaces that come and go.
@Suite struct RestartTests {
  static let interactions = #"{"request":"interaction.getInteractions","referenceId":"q"}"#

  @Test func stateAndOffsetsGoOn() {
    let journal = LastingJournal()
    let client = TestBroker(journal: journal).connect()
    client.send(ResumeTests.subscribe())
    let epoch = client.received()[0].epoch
    client.publish("RINGING")
    client.publish("TALKING")
    client.send(Self.interactions)
    let before = client.received().last
    let again = TestBroker(journal: journal).connect()
    again.send(ResumeTests.subscribe(ResumeTests.since(1, epoch: epoch)))
    #expect(again.received().map(\.offset) == [2, 2])
    again.send(Self.interactions)
    #expect(again.received().last == before)
    again.publish("HELD")
    #expect(again.received().map(\.offset) == [3])
  }

  @Test func snapshotsShortenTheWayBack() {
    var configuration = BrokerConfiguration()
    configuration.snapshotIntervalEvents = 10
    let journal = LastingJournal(recordsPerWorkspaceMax: 10)
    let client = TestBroker(journal: journal, configuration: configuration).connect()
    for number in 1...25 { client.publish("RINGING", "\(number % 3)") }
    #expect(journal.snapshots == [10, 20])
    client.send(Self.interactions)
    let again = TestBroker(journal: journal, configuration: configuration).connect()
    again.send(Self.interactions)
    #expect(again.received() == client.received())
  }

  @Test func blockOfALostSessionStandsUntilItsDeadline() {
    let journal = LastingJournal()
    let first = TestBroker(journal: journal)
    let bot = first.connect()
    bot.publish("IDLE")
    bot.send(#"{"request":"interaction.blockMarkdone","parameters":["1","w"]}"#)
    let second = TestBroker(journal: journal)
    let monitor = second.connect("*")
    monitor.subscribe("markdone")
    second.advance(milliseconds: 29_999)
    #expect(monitor.received() == [])
    second.advance(milliseconds: 1)
    #expect(monitor.received().map(\.summary) == ["MARKDONE_BLOCK_EXPIRED"])
  }

  @Test func messageThatWasAnsweredBeforeTheRestartIsKnown() {
    let journal = LastingJournal()
    let client = TestBroker(journal: journal).connect()
    client.send(ReceiptTests.publication("RINGING", id: "m"))
    let again = TestBroker(journal: journal).connect()
    again.subscribe("interaction")
    again.send(ReceiptTests.publication("RINGING", id: "m"))
    #expect(again.received() == client.received())
  }

  /// The clock was set back by a day while no broker ran.
  @Test func blockStandsNoLongerThanABlockMay() {
    let journal = LastingJournal()
    let first = TestBroker(journal: journal)
    first.clock.step(milliseconds: 86_400_000)
    let bot = first.connect()
    bot.publish("IDLE")
    bot.send(#"{"request":"interaction.blockMarkdone","parameters":["1","w"]}"#)
    let second = TestBroker(journal: journal)
    let agent = second.connect()
    agent.subscribe("markdone")
    agent.send(#"{"request":"interaction.markdone","parameters":["1"]}"#)
    #expect(agent.received().last?.contains(#""remaining":30000"#) == true)
    second.advance(milliseconds: 29_999)
    #expect(agent.received() == [])
    second.advance(milliseconds: 1)
    #expect(agent.received().map(\.summary) == ["MARKDONE_BLOCK_EXPIRED"])
  }

  @Test func answerIsRememberedNoLongerThanItsWindow() {
    let journal = LastingJournal()
    let first = TestBroker(journal: journal)
    first.clock.step(milliseconds: 86_400_000)
    first.connect().send(ReceiptTests.publication("RINGING", id: "m"))
    let second = TestBroker(journal: journal)
    let client = second.connect()
    client.subscribe("interaction")
    second.advance(milliseconds: 120_000)
    client.send(ReceiptTests.publication("RINGING", id: "m"))
    #expect(client.received().map(\.summary) == ["r"])
    second.advance(milliseconds: 1)
    client.send(ReceiptTests.publication("RINGING", id: "m"))
    #expect(client.received().map(\.summary) == ["r", "RINGING"])
  }

  @Test func idleWorkspaceLeavesASnapshotAndComesBack() {
    let journal = LastingJournal()
    let broker = TestBroker(journal: journal)
    let client = broker.connect()
    client.publish("RINGING")
    client.disconnect()
    broker.advance(milliseconds: 59_999)
    #expect(journal.snapshots == [])
    broker.advance(milliseconds: 1)
    #expect(journal.snapshots == [1] && journal.opened == 1)
    let again = broker.connect()
    #expect(journal.opened == 2)
    again.send(Self.interactions)
    #expect(again.received()[0].contains("RINGING"))
  }

  @Test func workspaceThatIsUsedAgainStays() {
    let journal = LastingJournal()
    let broker = TestBroker(journal: journal)
    broker.connect().publish("RINGING")
    let client = broker.connect()
    client.disconnect()
    broker.advance(milliseconds: 30_000)
    let again = broker.connect()
    broker.advance(milliseconds: 600_000)
    again.send(Self.interactions)
    #expect(journal.opened == 1 && again.received()[0].contains("RINGING"))
  }

  @Test func workspaceThatCannotBeReadRefusesUntilItCan() {
    let journal = LastingJournal()
    TestBroker(journal: journal).connect().publish("RINGING")
    journal.failure = .unavailable("the disk is gone")
    let broker = TestBroker(journal: journal)
    let client = broker.connect()
    client.send(Self.interactions)
    #expect(client.received().allSatisfy { $0.contains("journal_unavailable") && $0.contains("the disk is gone") })
    journal.failure = nil
    broker.advance(milliseconds: 1_000)
    client.send(Self.interactions)
    #expect(client.received().count { $0.contains("RINGING") } == 1)
  }

  @Test func blocksOfASessionThatLeftDuringAFailureAreLiftedLater() {
    let journal = LastingJournal()
    let broker = TestBroker(journal: journal)
    let (bot, agent) = (broker.connect(), broker.connect())
    agent.publish("IDLE")
    bot.send(#"{"request":"interaction.blockMarkdone","parameters":["1","w"]}"#)
    agent.subscribe("markdone")
    journal.failure = .unavailable("disk full")
    bot.disconnect()
    #expect(agent.received() == [])
    journal.failure = nil
    agent.send(#"{"event":"publish","data":{"event":"agent","data":{}}}"#)
    #expect(agent.received().map(\.summary) == ["MARKDONE_UNBLOCKED"])
  }

  @Test func whatAnotherBrokerWroteIsCaughtUpWith() {
    let journal = LastingJournal()
    let (first, second) = (TestBroker(journal: journal).connect(), TestBroker(journal: journal).connect())
    first.publish("RINGING")
    second.send(TestClient.publication("RINGING", "2", reference: "1"))
    #expect(second.received().map(\.errorCode) == [""])
    second.send(Self.interactions)
    let interactions = second.received().last ?? ""
    #expect(interactions.contains(#""interactionId":"1""#) && interactions.contains(#""interactionId":"2""#))
  }
}
