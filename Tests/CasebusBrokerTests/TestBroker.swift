import CasebusAccess
import CasebusBroker
import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import Logging
import NIOCore
import NIOEmbedded

/// A broker on embedded event loops with a clock that is moved by hand: everything happens when it is told to.
final class TestBroker {
  let loops: TestLoops
  let clock = ManualClock()
  let broker: Broker

  init(
    journal: any EventJournal = MemoryJournal(), configuration: BrokerConfiguration = BrokerConfiguration(),
    loopCount: Int = 1
  ) {
    loops = TestLoops(count: loopCount)
    broker = Broker(
      group: loops, journal: journal, configuration: configuration,
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), instance: "test",
      now: { [clock] in clock.now })
    run()
  }

  /// - Parameter loop: the number of the event loop of the connection.
  func connect(
    _ workspace: String? = nil, encoding: MessageEncoding = .plain, as principal: Principal = .anonymous,
    on loop: Int = 0
  ) -> TestClient {
    let sink = TestSink(encoding)
    let session = broker.openSession(
      WorkspaceScope(queryValue: workspace)!, reservation: try! broker.reserveSession(), encoding: encoding, sink: sink,
      origin: SessionOrigin(address: "test", principal: principal), on: loops.all[loop])
    run()
    return TestClient(broker: self, session: session, sink: sink)
  }

  /// Lets everything happen that is waiting to.
  func run() {
    loops.run()
  }

  /// Lets monitors have what was gathered for them: a moment of the loop's clock, none of the wall clock.
  func letMonitorsCatchUp() {
    loops.advance(milliseconds: 1)
  }

  func advance(milliseconds: Int64) {
    clock.advance(milliseconds: milliseconds)
    loops.advance(milliseconds: milliseconds)
  }
}

/// One client of a ``TestBroker``.
struct TestClient {
  let broker: TestBroker
  let session: Session
  let sink: TestSink

  /// Sends a message and lets everything happen that it leads to.
  func send(_ text: String) {
    session.textReceived(ByteBuffer(string: text))
    broker.run()
  }

  func send(_ message: JSONValue) { send(message.jsonText) }

  /// Sends without letting anything happen yet.
  func sendWithoutRunning(_ text: String) { session.textReceived(ByteBuffer(string: text)) }

  /// Sends several messages at once; what the session does not take yet waits in its connection.
  func feed(_ texts: [String]) {
    sink.feed(texts, to: session)
  }

  func disconnect() {
    session.connectionClosed(code: 1006, reason: "test", bytesSent: 0)
    broker.run()
  }

  /// What came since the last call.
  func received() -> [String] { sink.takeMessages() }

  func subscribe(_ names: String...) {
    send(["event": "subscribe", "data": .array(names.map(JSONValue.string)), "referenceId": "s"])
    _ = received()
  }

  func publish(_ state: String, _ id: String = "1") {
    send(Self.publication(state, id))
  }

  static func publication(_ state: String, _ id: String = "1", reference: JSONValue? = nil) -> JSONValue {
    var message: JSONObject = [
      "event": "publish",
      "data": [
        "event": "interaction", "data": ["eventType": .string(state), "interaction": ["interactionId": .string(id)]],
      ],
    ]
    message["referenceId"] = reference
    return .object(message)
  }
}
