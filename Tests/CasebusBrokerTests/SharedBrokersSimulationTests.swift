import CasebusBroker
import CasebusJournal
import CasebusProtocol
import CasebusTestSupport
import Testing

/// Two brokers share a journal and both decide in the same workspace: whoever comes second catches up and decides again.
/// Everybody sees one stream, without a gap, nothing twice, and each source's events in its order.
@Suite struct SharedBrokersSimulationTests {
  @Test func everybodySeesOneStream() {
    var conflicts = 0
    for seed in 0..<UInt64(60) {
      var simulation = SharedBrokersSimulation(seed: seed)
      if let problem = simulation.run() {
        Issue.record("seed \(seed): \(problem)")
        return
      }
      conflicts += simulation.conflicts
    }
    #expect(conflicts > 150, "the brokers met \(conflicts) times only")
  }
}

private struct SharedBrokersSimulation {
  private var random: SplitMix64
  private let shared = SharedJournal()
  private let journals: [SimulatedJournal]
  private let brokers: [TestBroker]
  /// Two of each broker, on different loops.
  private let sources: [TestClient]
  private let subscribers: [TestClient]
  private let monitors: [TestClient]
  /// Of the first broker: it gets the events of both.
  private let bot: TestClient
  private var sent = [0, 0, 0, 0]
  private var answers: [[Int]] = [[], [], [], []]
  private var seen: [[String]] = [[], [], [], []]
  private var seenByMonitors: [[String]] = [[], []]
  private var given: [Int] = []

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    journals = [SimulatedJournal(shared), SimulatedJournal(shared)]
    brokers = journals.map { TestBroker(journal: $0, loopCount: 2) }
    let brokers = brokers
    sources = brokers.flatMap { broker in [0, 1].map { broker.connect("w", on: $0) } }
    subscribers = brokers.flatMap { broker in [0, 1].map { broker.connect("w", on: $0) } }
    monitors = brokers.map { $0.connect("*", on: 1) }
    bot = brokers[0].connect("w", on: 1)
    settle()
    for subscriber in subscribers {
      subscriber.send(["event": "subscribe", "data": ["agent"], "referenceId": "s", "since": "beginning"])
    }
    for monitor in monitors { monitor.send(["event": "subscribe", "data": ["agent"], "referenceId": "s"]) }
    bot.send(["event": "subscribe", "data": ["agent"], "referenceId": "s", "durable": "bot", "since": "beginning"])
    settle()
    for client in subscribers + monitors + [bot] { _ = client.received() }
  }

  private func settle() {
    for _ in 0..<4 {
      for (journal, broker) in zip(journals, brokers) {
        journal.finishEverything(for: broker)
        broker.letMonitorsCatchUp()
      }
    }
  }

  /// How often a broker decided on a state that was not the newest one.
  var conflicts: Int { shared.conflicts }

  /// - Returns: what went wrong; nil if nothing did.
  mutating func run() -> String? {
    for _ in 0..<120 { step() }
    // A broker learns what the other appended when it appends itself: the first one last, so that it knows everything.
    for source in [0, 2, 0] {
      publish(1, from: source)
      for _ in 0..<20 {
        settle()
        take()
      }
    }
    return problem
  }

  private mutating func step() {
    let index = Int.random(in: 0..<2, using: &random)
    let (journal, broker) = (journals[index], brokers[index])
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<5: publish(Int.random(in: 1...4, using: &random), from: Int.random(in: 0..<4, using: &random))
    case 5..<8:
      journal.finishAppend(succeeds: Int.random(in: 0..<20, using: &random) > 0)
    case 8: journal.finishRead(0, succeeds: true)
    default: broker.letMonitorsCatchUp()
    }
    broker.run()
    take()
  }

  private mutating func publish(_ count: Int, from source: Int) {
    for _ in 0..<count {
      sent[source] += 1
      let data: JSONValue = ["source": .number(JSONNumber(source)), "number": .number(JSONNumber(sent[source]))]
      let message: JSONValue = [
        "event": "publish", "referenceId": .number(JSONNumber(sent[source])), "data": ["event": "agent", "data": data],
      ]
      sources[source].sendWithoutRunning(message.jsonText)
    }
  }

  private mutating func take() {
    for (index, source) in sources.enumerated() {
      // What a broken journal refused is not sent again: its number is missing in the stream, too.
      answers[index] += source.received().map { $0.errorCode.isEmpty ? $0.reference : -$0.reference }
    }
    for (index, subscriber) in subscribers.enumerated() { seen[index] += subscriber.received() }
    for (index, monitor) in monitors.enumerated() { seenByMonitors[index] += monitor.received() }
    for event in bot.received() {
      guard let offset = event.offset, event.contains(#""event":"agent""#) else { continue }
      given.append(offset)
      bot.sendWithoutRunning(#"{"event":"ack","data":{"offset":\#(offset)}}"#)
    }
  }

  private var taken: Int { answers.reduce(0) { $0 + $1.count { $0 > 0 } } }

  /// How many events the clients of a broker are to have: the second one does not know the last.
  private func known(by broker: Int) -> Int { broker == 0 ? taken : taken - 1 }

  private var problem: String? {
    let stream = shared.stream(WorkspaceID("w")!)
    for source in 0..<4 where answers[source].map(abs) != Array(1...max(1, sent[source])) && sent[source] > 0 {
      return "source \(source) sent \(sent[source]) and was answered \(answers[source])"
    }
    guard stream.all.count == taken else { return "\(taken) publishes succeeded, the stream has \(stream.all.count)" }
    for (index, events) in seen.enumerated() {
      guard events.compactMap(\.offset) == Array(1...known(by: index / 2)) else {
        return
          "subscriber \(index) saw the offsets \(events.compactMap(\.offset)), expected up to \(known(by: index / 2))"
      }
      guard events.elementsEqual(seen[0].prefix(events.count)) else { return "subscriber \(index) saw other events" }
    }
    for (index, events) in seenByMonitors.enumerated() {
      guard events.map(\.content) == seen[0].prefix(known(by: index)).map(\.content) else {
        return "monitor \(index) saw \(events.count) events, expected \(known(by: index)) of the stream"
      }
    }
    for source in 0..<4 {
      let numbers = seen[0].filter { $0.contains(#""source":\#(source),"#) }.compactMap(\.publishedNumber)
      guard numbers == answers[source].filter({ $0 > 0 }) else { return "the events of source \(source): \(numbers)" }
    }
    return given == Array(1...taken) ? nil : "the bot was given \(given) of \(taken)"
  }
}

extension String {
  private var object: JSONValue? { try? JSONValue(parsing: self) }

  /// The number that a source gave its message.
  fileprivate var reference: Int {
    guard case .number(let number) = object?["referenceId"] else { return 0 }
    return number.integer ?? 0
  }

  fileprivate var publishedNumber: Int? {
    guard case .number(let number) = object?["data"]?["number"] else { return nil }
    return number.integer
  }

  /// The data of an event.
  fileprivate var content: String { object?["data"]?.jsonText ?? "" }
}
