import CasebusBroker
import CasebusProtocol
import Synchronization
import Testing

/// What a broker counts.
@Suite struct StatisticsTests {
  private static func statistics(_ broker: TestBroker) -> BrokerStatistics {
    let result = Mutex<BrokerStatistics?>(nil)
    broker.broker.gatherStatistics { statistics in result.withLock { $0 = statistics } }
    broker.run()
    return result.withLock(\.self)!
  }

  @Test func everythingIsCountedOnceWhereverItHappens() {
    let broker = TestBroker(loopCount: 2)
    let clients = [broker.connect("a", on: 0), broker.connect("a", on: 1), broker.connect("b", on: 1)]
    let monitor = broker.connect("*", on: 0)
    for client in clients + [monitor] { client.subscribe("interaction") }
    for client in clients { client.publish("RINGING") }
    clients[0].send("{")
    let statistics = Self.statistics(broker)
    #expect(statistics.sessions == 4 && statistics.monitors == 1 && statistics.workspaces == 2)
    #expect(statistics.counts.messages == 8 && statistics.counts.messagesRefused == 1)
    // A state that is asserted again is an event, too.
    #expect(statistics.counts.events == 3 && statistics.counts.commits == 3)
    #expect(statistics.uncommittedBytes == 0 && statistics.undeliveredBytes == 0)
    for client in clients { client.disconnect() }
    #expect(Self.statistics(broker).sessions == 1)
  }

  @Test func deliveriesAndConsumersAreCounted() {
    let broker = TestBroker()
    let bot = broker.connect("a")
    bot.send(["event": "subscribe", "data": ["interaction"], "durable": "bot", "referenceId": "s"])
    let source = broker.connect("a")
    for id in 1...3 { source.publish("RINGING", "\(id)") }
    let statistics = Self.statistics(broker)
    #expect(statistics.consumers == 1 && statistics.counts.deliveries == 3)
  }

  @Test func whatTheJournalRefusesIsCountedAsSuch() {
    let shared = SharedJournal()
    let journals = [SimulatedJournal(shared), SimulatedJournal(shared)]
    let brokers = journals.map { TestBroker(journal: $0) }
    let clients = brokers.map { $0.connect("w") }
    func finish() { for (journal, broker) in zip(journals, brokers) { journal.finishEverything(for: broker) } }
    finish()
    clients[0].publish("RINGING", "1")
    finish()
    clients[1].publish("RINGING", "2")
    finish()
    clients[1].publish("RINGING", "3")
    journals[1].finishAppend(succeeds: false)
    brokers[1].run()
    let counts = Self.statistics(brokers[1]).counts
    #expect(counts.conflicts == 1 && counts.commitsFailed == 1 && counts.partsRefused == 0)
  }
}
