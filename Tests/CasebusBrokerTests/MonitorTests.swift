import CasebusProtocol
import NIOCore
import Testing

/// Monitors see everything, so what they get is gathered for a moment.
@Suite struct MonitorTests {
  private let broker = TestBroker()

  @Test func firstEventAfterAPauseIsSentAtOnce() {
    let monitor = subscribed("*")
    broker.connect("a").publish("RINGING")
    #expect(monitor.received().map(\.summary) == ["RINGING"])
    broker.advance(milliseconds: 1)
    broker.connect("b").publish("RINGING")
    #expect(monitor.received().map(\.summary) == ["RINGING"])
  }

  @Test func eventsOfAMillisecondAreOneWrite() {
    let monitor = subscribed("*")
    let sources = ["a", "b", "c"].map { broker.connect($0) }
    sources[0].publish("RINGING")
    _ = monitor.received()
    let writes = monitor.sink.writes
    for source in sources { source.publish("TALKING") }
    #expect(monitor.received() == [])
    broker.advance(milliseconds: 1)
    #expect(monitor.received().count == 3)
    #expect(monitor.sink.writes == writes + 1)
  }

  @Test func sessionsOfAWorkspaceDoNotWait() {
    let client = subscribed("a")
    let source = broker.connect("a")
    for state in ["RINGING", "TALKING", "HELD"] {
      source.publish(state)
      #expect(client.received().map(\.summary) == [state])
    }
  }

  @Test func answerToAMonitorComesAfterWhatWasGathered() {
    let monitor = subscribed("*")
    let source = broker.connect("a")
    source.publish("RINGING")
    _ = monitor.received()
    source.publish("TALKING")
    monitor.send(#"{"request":"system.getAllowedServices","parameters":[],"referenceId":"r"}"#)
    #expect(monitor.received().map(\.summary) == ["TALKING", "r"])
  }

  private func subscribed(_ workspace: String) -> TestClient {
    let client = broker.connect(workspace)
    client.subscribe("interaction")
    return client
  }
}
