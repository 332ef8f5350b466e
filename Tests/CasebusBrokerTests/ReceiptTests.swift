import CasebusBroker
import CasebusJournal
import CasebusProtocol
import Testing

/// Messages that are sent again, because the answer was lost (Protocol §5.5).
@Suite struct ReceiptTests {
  static func request(_ name: String, _ parameters: [JSONValue], id: String, reference: JSONValue = "r") -> JSONValue {
    [
      "request": .string(name), "parameters": .array(parameters), "messageId": .string(id), "referenceId": reference,
    ]
  }

  static func publication(_ state: String, id: String, reference: JSONValue? = "r") -> JSONValue {
    guard case .object(var message) = TestClient.publication(state, reference: reference) else { return .null }
    message["messageId"] = .string(id)
    return .object(message)
  }

  @Test func publishAgainHasTheSameAnswerAndNoEvent() {
    let broker = TestBroker()
    let client = broker.connect()
    client.subscribe("interaction")
    client.send(Self.publication("RINGING", id: "m"))
    #expect(client.received().map(\.summary) == ["r", "RINGING"])
    client.send(Self.publication("RINGING", id: "m", reference: 2))
    #expect(
      client.received() == [#"{"referenceId":2,"data":null,"userAgent":"WWE Server","protocolVersion":2}"#])
  }

  /// One of them would be lost without a word.
  @Test func messageIDsThatLookTheSameAreTwoMessages() {
    let client = TestBroker().connect()
    client.subscribe("interaction")
    client.send(Self.publication("RINGING", id: "\u{E9}"))
    client.send(Self.publication("TALKING", id: "e\u{301}"))
    #expect(client.received().map(\.summary) == ["r", "RINGING", "r", "TALKING"])
  }

  @Test func anotherSessionOfTheWorkspaceMaySendItAgain() {
    let broker = TestBroker()
    let (first, second, stranger) = (broker.connect(), broker.connect(), broker.connect("other"))
    second.subscribe("interaction")
    stranger.subscribe("interaction")
    first.send(Self.publication("RINGING", id: "m"))
    first.disconnect()
    second.send(Self.publication("RINGING", id: "m"))
    #expect(second.received().map(\.summary) == ["RINGING", "r"])
    stranger.send(Self.publication("RINGING", id: "m"))
    #expect(stranger.received().map(\.summary) == ["r", "RINGING"])
  }

  @Test func failureIsRememberedToo() {
    let client = TestBroker().connect()
    client.send(Self.request("interaction.markdone", ["1"], id: "m"))
    let failure = client.received()
    #expect(failure[0].contains("interaction_not_found"))
    client.publish("IDLE")
    client.send(Self.request("interaction.markdone", ["1"], id: "m"))
    #expect(client.received() == failure)
    client.send(Self.request("interaction.markdone", ["1"], id: "n"))
    #expect(client.received().allSatisfy { $0.contains(#""data":null"#) })
  }

  @Test func refusedMarkdoneIsRefusedAgainWithoutAnotherEvent() {
    let client = TestBroker().connect()
    client.publish("IDLE")
    client.send(#"{"request":"interaction.blockMarkdone","parameters":["1","fill it in"]}"#)
    client.subscribe("markdone")
    client.send(Self.request("interaction.markdone", ["1"], id: "m"))
    let received = client.received()
    #expect(received.map(\.summary) == ["r", "MARKDONE_REFUSED"])
    client.send(Self.request("interaction.markdone", ["1"], id: "m"))
    #expect(client.received() == [received[0]])
  }

  @Test func readingIsAnsweredAnew() {
    let client = TestBroker().connect()
    client.send(Self.request("interaction.getInteractions", [], id: "m"))
    client.publish("IDLE")
    _ = client.received()
    client.send(Self.request("interaction.getInteractions", [], id: "m"))
    #expect(client.received()[0].contains("IDLE"))
  }

  @Test func afterTheWindowItIsAnotherMessage() {
    let broker = TestBroker()
    let client = broker.connect()
    client.subscribe("interaction")
    client.send(Self.publication("RINGING", id: "m"))
    broker.advance(milliseconds: 120_000)
    client.send(Self.publication("RINGING", id: "m"))
    broker.advance(milliseconds: 1)
    client.send(Self.publication("RINGING", id: "m"))
    #expect(client.received().map(\.summary) == ["r", "RINGING", "r", "r", "RINGING"])
  }

  @Test func oldestIsForgottenFirst() {
    var configuration = BrokerConfiguration()
    configuration.messageIDsPerWorkspaceMax = 2
    let client = TestBroker(configuration: configuration).connect()
    client.subscribe("interaction")
    for id in ["a", "b", "c"] { client.send(Self.publication("RINGING", id: id)) }
    _ = client.received()
    client.send(Self.publication("RINGING", id: "b"))
    #expect(client.received().map(\.summary) == ["r"])
    client.send(Self.publication("RINGING", id: "a"))
    #expect(client.received().map(\.summary) == ["r", "RINGING"])
  }

  /// Each is remembered with about 2 KB: a failure quotes what was asked for.
  @Test func oldestIsForgottenFirstByBytes() {
    var configuration = BrokerConfiguration()
    configuration.messageIDBytesPerWorkspaceMax = 5_000
    let client = TestBroker(configuration: configuration).connect()
    let unknown = String(repeating: "1", count: 60_000)
    for id in ["a", "b", "c"] { client.send(Self.request("interaction.markdone", [.string(unknown)], id: id)) }
    let failures = client.received()
    #expect(failures.count == 3 && failures.allSatisfy { $0.utf8.count < 2_300 })
    client.publish("IDLE")
    _ = client.received()
    for id in ["b", "c"] { client.send(Self.request("interaction.markdone", ["1"], id: id)) }
    #expect(client.received() == Array(failures[1...]))
    client.send(Self.request("interaction.markdone", ["1"], id: "a"))
    #expect(client.received().map { $0.contains(#""data":null"#) } == [true])
  }

  @Test func whatTheJournalDidNotTakeMayBeSentAgain() {
    let journal = HeldJournal()
    let broker = TestBroker(journal: journal)
    let client = broker.connect()
    client.send(Self.publication("RINGING", id: "m", reference: 1))
    client.send(Self.publication("RINGING", id: "m", reference: 2))
    journal.finish(.failure(.unavailable("disk full")))
    broker.run()
    #expect(client.received().count { $0.contains("journal_unavailable") } == 2)
    client.send(Self.publication("RINGING", id: "m", reference: 3))
    journal.finish(.success(()))
    broker.run()
    #expect(client.received().map { $0.contains(#""data":null"#) } == [true])
    #expect(journal.batches.map { $0.map(\.offset) } == [[1], [1]])
  }
}
