import CasebusProtocol
import NIOCore
import Testing

@Suite struct OrderTests {
  @Test func responseComesBeforeTheEventsItCaused() {
    let client = TestBroker().connect()
    client.subscribe("interaction", "markdone")
    client.publish("IDLE")
    _ = client.received()
    client.send(#"{"request":"interaction.markdone","parameters":["1"],"referenceId":7}"#)
    let kinds = client.received().map { $0.prefix(24) }
    #expect(
      kinds == [
        #"{"referenceId":7,"data":"#, #"{"event":"markdone","dat"#, #"{"event":"interaction",""#,
        #"{"event":"interaction",""#,
      ])
  }

  /// Commands of one tick: each answer stands where its command was decided.
  @Test func answersAndEventsOfOneTickKeepTheirOrder() {
    let broker = TestBroker()
    let (a, b) = (broker.connect(), broker.connect())
    a.subscribe("interaction")
    b.subscribe("interaction")
    a.sendWithoutRunning(TestClient.publication("RINGING", reference: "a1").jsonText)
    b.sendWithoutRunning(TestClient.publication("TALKING", reference: "b1").jsonText)
    a.sendWithoutRunning(#"{"request":"interaction.getByInteractionId","parameters":["1"],"referenceId":"a2"}"#)
    broker.run()
    #expect(a.received().map(\.summary) == ["a1", "RINGING", "TALKING", "a2"])
    #expect(b.received().map(\.summary) == ["RINGING", "b1", "TALKING"])
  }

  @Test func subscriptionTakesItsPlaceInTheOrder() {
    let broker = TestBroker()
    let client = broker.connect()
    client.sendWithoutRunning(TestClient.publication("RINGING", reference: "1").jsonText)
    client.sendWithoutRunning(#"{"event":"subscribe","data":"interaction","referenceId":"2"}"#)
    client.sendWithoutRunning(TestClient.publication("TALKING", reference: "3").jsonText)
    client.sendWithoutRunning(#"{"event":"unsubscribe","data":"test-0-1-1","referenceId":"4"}"#)
    client.sendWithoutRunning(TestClient.publication("HELD", reference: "5").jsonText)
    broker.run()
    #expect(client.received().map(\.summary) == ["1", "2", "3", "TALKING", "4", "5"])
  }

  @Test func badMessageIsAnsweredInItsPlace() {
    let broker = TestBroker()
    let client = broker.connect()
    client.sendWithoutRunning(#"{"request":"interaction.getInteractions","referenceId":"1"}"#)
    client.sendWithoutRunning("nonsense")
    client.sendWithoutRunning(#"{"request":"interaction.getInteractions","referenceId":"3"}"#)
    broker.run()
    #expect(client.received().map(\.summary) == ["1", "malformed_message", "3"])
  }

  @Test func messengerMessageSkipsItsSenderInTheMiddleOfABatch() {
    let broker = TestBroker()
    let (a, b) = (broker.connect(), broker.connect())
    for client in [a, b] { client.subscribe("interaction", "messenger:m") }
    a.sendWithoutRunning(TestClient.publication("RINGING").jsonText)
    a.sendWithoutRunning(#"{"event":"publish","data":{"event":"messenger:m","data":1}}"#)
    a.sendWithoutRunning(TestClient.publication("TALKING").jsonText)
    broker.run()
    #expect(a.received().map(\.summary) == ["RINGING", "TALKING"])
    #expect(b.received().map(\.summary) == ["RINGING", "messenger:m", "TALKING"])
  }

  /// One timer per workspace, however many deadlines have passed.
  @Test func deadlinesInARowAreEachDecidedOnce() {
    let broker = TestBroker()
    let client = broker.connect()
    client.subscribe("markdone")
    for number in 1...8 {
      client.publish("IDLE", "\(number)")
      client.send([
        "request": "interaction.blockMarkdone", "parameters": [.string("\(number)"), "w"], "referenceId": "b",
      ])
      broker.advance(milliseconds: 1_000)
    }
    _ = client.received()
    for _ in 1...8 {
      broker.advance(milliseconds: 1_000)
    }
    broker.advance(milliseconds: 60_000)
    #expect(client.received().map(\.summary) == Array(repeating: "MARKDONE_BLOCK_EXPIRED", count: 8))
  }

  @Test func eventsOfOneTickAreOneWrite() {
    let broker = TestBroker()
    let (a, b) = (broker.connect(), broker.connect())
    b.subscribe("interaction")
    let (writes, flushes) = (b.sink.writes, b.sink.flushes)
    for state in ["RINGING", "TALKING", "HELD", "TALKING"] {
      a.sendWithoutRunning(TestClient.publication(state).jsonText)
    }
    broker.run()
    #expect(b.received().count == 4)
    #expect(b.sink.writes == writes + 1)
    #expect(b.sink.flushes == flushes + 1)
  }
}

extension String {
  /// What a message is: the reference that it answers, an error code, or the type or name of its event.
  var summary: String {
    let message = try! JSONValue(parsing: self)
    return message["referenceId"]?.stringValue ?? message["errorCode"]?.stringValue
      ?? message["data"]?["eventType"]?.stringValue ?? message["event"]?.stringValue ?? self
  }
}
