import CasebusBroker
import CasebusJournal
import CasebusProtocol
import Testing

/// Many clients that resume at once read one after the other, so that the loop has time for those that are live.
@Suite struct ReplayTurnTests {
  /// A workspace with 20 events, and clients that want all of them.
  private static func resuming(_ count: Int) -> (SimulatedJournal, TestBroker, [TestClient]) {
    let journal = SimulatedJournal()
    let broker = TestBroker(journal: journal)
    let source = broker.connect()
    journal.finishEverything(for: broker)
    for _ in 0..<20 { source.publish("RINGING") }
    journal.finishEverything(for: broker)
    let clients = (0..<count).map { _ in broker.connect() }
    for client in clients { client.send(ResumeTests.subscribe("beginning")) }
    return (journal, broker, clients)
  }

  @Test func oneReplayReadsAtATime() {
    let (journal, broker, clients) = Self.resuming(5)
    var pages = 0
    while journal.isBusy {
      #expect(journal.readsWaiting == 1)
      journal.finishRead(0, succeeds: true)
      broker.run()
      pages += 1
    }
    #expect(pages > 5)
    for client in clients { #expect(client.received().dropFirst().map(\.offset) == Array(1...20)) }
  }

  @Test func everybodyHasAPageBeforeAnybodyHasTwo() {
    let (journal, broker, clients) = Self.resuming(3)
    for _ in clients {
      journal.finishRead(0, succeeds: true)
      broker.run()
    }
    #expect(clients.allSatisfy { $0.received().count == 2 })
  }

  @Test func whoLeavesWhileWaitingHoldsUpNobody() {
    let (journal, broker, clients) = Self.resuming(4)
    for client in clients[0...2] { client.disconnect() }
    journal.finishEverything(for: broker)
    #expect(clients[3].received().dropFirst().map(\.offset) == Array(1...20))
  }

  @Test func pageThatCannotBeReadHoldsUpNobody() {
    let (journal, broker, clients) = Self.resuming(2)
    journal.finishRead(0, succeeds: false)
    broker.run()
    #expect(clients[0].sink.closed?.code == .internalError)
    journal.finishEverything(for: broker)
    #expect(clients[1].received().dropFirst().map(\.offset) == Array(1...20))
  }

  @Test func replayThatEndsWhileWaitingIsNotReadForTheNextOne() {
    let (journal, broker, clients) = Self.resuming(2)
    let id = clients[1].received()[0].subscriptionID
    clients[1].send(["event": "unsubscribe", "data": .string(id), "referenceId": "u"])
    clients[1].send(ResumeTests.subscribe("beginning"))
    journal.finishEverything(for: broker)
    #expect(clients[1].received().compactMap(\.offset).suffix(20) == Array(1...20).suffix(20))
  }
}
