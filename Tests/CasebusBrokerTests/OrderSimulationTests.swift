import CasebusBroker
import CasebusJournal
import CasebusProtocol
import CasebusTestSupport
import NIOEmbedded
import Testing

import class Foundation.ProcessInfo

/// Sources on two loops that send large and small events, messages to channels and requests, many at once, while reading
/// is paused and resumed and the journal is late: everybody gets the same events in the same order (Protocol §4.4).
///
/// CASEBUS_SIMULATIONS says how many seeds are tried.
@Suite struct OrderSimulationTests {
  static let count = ProcessInfo.processInfo.environment["CASEBUS_SIMULATIONS"].flatMap(Int.init) ?? 20

  @Test func everybodyGetsTheSameEventsInTheSameOrder() {
    for seed in 0..<UInt64(Self.count) {
      var simulation = OrderSimulation(seed: seed)
      if let problem = simulation.run() {
        Issue.record("seed \(seed): \(problem)")
        return
      }
    }
  }

  /// More than `commandsInFlightMax` publishes in one piece, with outcomes of more than 4 MiB among them: the answer that
  /// resumes reading came in the middle of a release, and what was read then was released before the rest.
  @Test(arguments: [1, 2]) func readingThatResumesDuringAReleaseOvertakesNothing(loopCount: Int) {
    let broker = TestBroker(loopCount: loopCount)
    let subscriber = broker.connect("w")
    subscriber.send(#"{"event":"subscribe","data":["agent","messenger:m"],"referenceId":"s","positions":true}"#)
    _ = subscriber.received()
    let source = broker.connect("w", on: loopCount - 1)
    source.feed(Self.smallThenLarge(as: "agent"))
    for _ in 0..<20 { broker.run() }
    let received = subscriber.received()
    #expect(received.compactMap(\.number) == Array(1...360))
    #expect(received.compactMap(\.offsetAtEnd) == Array(1...360))
  }

  /// Messages to channels need no journal and are released at once.
  @Test func messengerMessagesOvertakeNothingEither() {
    let broker = TestBroker()
    let subscriber = broker.connect("w")
    subscriber.subscribe("messenger:m")
    let source = broker.connect("w")
    source.feed(Self.smallThenLarge(as: "messenger:m"))
    broker.run()
    #expect(subscriber.received().compactMap(\.number) == Array(1...360))
  }

  /// As many messages as may be in flight, and behind them more than 4 MiB.
  private static func smallThenLarge(as name: String) -> [String] {
    (1...360).map { OrderSimulation.message($0, bytes: $0 <= 256 ? 10 : 50_000, as: name) }
  }
}

private struct OrderSimulation {
  private var random: SplitMix64
  private let journal: HeldJournal?
  private let broker: TestBroker
  private let sources: [TestClient]
  private let subscribers: [TestClient]
  /// What each source sent as numbered events.
  private var sent: [Int] = [0, 0, 0]
  private var requests = [0, 0, 0]
  private var answers: [[Int]] = [[], [], []]
  private var received: [[String]]

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    journal = seed % 3 == 0 ? nil : HeldJournal(LastingJournal())
    broker = TestBroker(
      journal: journal ?? LastingJournal(), configuration: Self.configuration(&random), loopCount: 2)
    let broker = broker
    sources = [broker.connect("w", on: 0), broker.connect("w", on: 1), broker.connect("w", on: 1)]
    subscribers = (0..<6).map { broker.connect($0 == 5 ? "*" : "w", on: $0 % 2) }
    received = Array(repeating: [], count: subscribers.count)
    for (index, subscriber) in subscribers.enumerated() {
      subscriber.send(
        [
          "event": "subscribe", "data": ["agent", "messenger:m"], "referenceId": "s",
          "positions": index > 1 ? true : false,
        ])
    }
    broker.advance(milliseconds: 1)
    for subscriber in subscribers { _ = subscriber.received() }
  }

  /// Everything that has a size is small, so that its end is met.
  private static func configuration(_ random: inout SplitMix64) -> BrokerConfiguration {
    var configuration = BrokerConfiguration()
    configuration.commandsInFlightMax = .random(in: 2...40, using: &random)
    configuration.messageBytesInFlightMax = .random(in: 1_000...200_000, using: &random)
    configuration.outcomeBytesInFlightMax = .random(in: 1...100_000, using: &random)
    configuration.uncommittedBytesMax = .random(in: 1...200_000, using: &random)
    configuration.undeliveredBytesMax = .random(in: 1...200_000, using: &random)
    configuration.fanoutBytesMax = .random(in: 1...200_000, using: &random)
    return configuration
  }

  static func message(_ number: Int, bytes: Int, as name: String, from source: Int = 0) -> String {
    let data: JSONValue = [
      "source": .number(JSONNumber(source)), "number": .number(JSONNumber(number)),
      "padding": .string(String(repeating: "x", count: bytes)),
    ]
    let message: JSONValue = [
      "event": "publish", "referenceId": .number(JSONNumber(number)), "data": ["event": .string(name), "data": data],
    ]
    return message.jsonText
  }

  /// - Returns: what went wrong; nil if nothing did.
  mutating func run() -> String? {
    for _ in 0..<40 { step() }
    for client in sources + subscribers { client.sink.isWritable = true }
    for _ in 0..<2_000 where !isComplete {
      journal?.finish(.success(()))
      broker.advance(milliseconds: 1)
      collect()
    }
    return problem
  }

  private mutating func step() {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<40: feed()
    case 40..<60: journal?.finish(.success(()))
    case 60..<70: (sources + subscribers).randomElement(using: &random)!.sink.isWritable.toggle()
    case 70..<85: broker.loops.all.randomElement(using: &random)!.run()
    case _: broker.advance(milliseconds: 1)
    }
    collect()
  }

  /// A source sends many messages in one piece.
  private mutating func feed() {
    let source = Int.random(in: 0..<sources.count, using: &random)
    let texts = (0..<Int.random(in: 1...60, using: &random)).map { _ in message(from: source) }
    sources[source].feed(texts)
  }

  private mutating func message(from source: Int) -> String {
    requests[source] += 1
    if Int.random(in: 0..<10, using: &random) == 0 {
      return #"{"request":"interaction.getInteractions","referenceId":\#(requests[source])}"#
    }
    sent[source] += 1
    let bytes = Int.random(in: 0..<10, using: &random) == 0 ? Int.random(in: 0...20_000, using: &random) : 10
    let name = Bool.random(using: &random) ? "agent" : "messenger:m"
    return Self.message(sent[source], bytes: bytes, as: name, from: source)
      .replacing(#""referenceId":\#(sent[source])"#, with: #""referenceId":\#(requests[source])"#, maxReplacements: 1)
  }

  private mutating func collect() {
    for (index, source) in sources.enumerated() { answers[index] += source.received().compactMap(\.reference) }
    for (index, subscriber) in subscribers.enumerated() { received[index] += subscriber.received() }
  }

  private var isComplete: Bool {
    received.allSatisfy { $0.count == sent.reduce(0, +) } && answers.map(\.count) == requests
  }

  private var problem: String? {
    for (index, answers) in answers.enumerated() where answers != Array(1..<requests[index] + 1) {
      return "source \(index) sent \(requests[index]) messages, its answers are \(answers)"
    }
    let first = received[0].map(\.identity)
    for (index, texts) in received.enumerated() {
      if texts.map(\.identity) != first { return "subscriber \(index) got other events, or in another order" }
      let offsets = texts.compactMap(\.offsetAtEnd)
      if offsets != offsets.sorted() { return "subscriber \(index) got the offsets \(offsets)" }
    }
    for source in sources.indices where first.filter({ $0[0] == source }).map({ $0[1] }) != Array(1..<sent[source] + 1)
    {
      return "of source \(source) came \(first.filter { $0[0] == source }.map { $0[1] })"
    }
    return nil
  }
}

extension String {
  /// What is outside of the padding: regular expressions are slow.
  private var ends: String { utf8.count < 400 ? self : String(prefix(120)) + suffix(120) }

  fileprivate var reference: Int? { ends.firstMatch(of: #/^\{"referenceId":(\d+),/#).flatMap { Int($0.1) } }

  fileprivate var number: Int? { ends.firstMatch(of: #/"number":(\d+)/#).flatMap { Int($0.1) } }

  fileprivate var offsetAtEnd: Int? { ends.offset }

  /// The source and its number.
  fileprivate var identity: [Int] {
    guard let match = ends.firstMatch(of: #/"source":(\d+),"number":(\d+)/#) else { return [] }
    return [Int(match.1)!, Int(match.2)!]
  }
}
