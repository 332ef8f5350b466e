import CasebusBroker
import CasebusJournal
import CasebusProtocol
import CasebusTestSupport
import Testing

/// Bots of one workspace and of all, agents, a journal that fails, restarts, time that passes: in the end every event that
/// was confirmed was given to every consumer, those of one interaction in order.
@Suite struct DurableSimulationTests {
  @Test(arguments: 1...40) func nothingIsLost(seed: Int) {
    var simulation = BrokerSimulation(seed: UInt64(seed))
    for _ in 0..<300 { simulation.step() }
    simulation.finish()
  }
}

private struct BrokerSimulation {
  static let workspaces = ["w1", "w2", "w3"]
  /// The workspace of each consumer's sessions.
  static let consumers = ["one": "w1", "two": "w1", "all": "*"]

  var random: SplitMix64
  let journal = LastingJournal()
  let configuration: BrokerConfiguration
  var broker: TestBroker
  var agents: [String: TestClient] = [:]
  var bots: [Bot] = []
  var published = 0
  /// What the agents published and what was confirmed, by workspace.
  var confirmed: [String: Set<Int>] = [:]
  /// The numbers of the events that each consumer was given, by interaction and session, in order.
  var given: [String: [String: [Int]]] = [:]

  /// The numbers of the events of a workspace, by offset, and those that each session acknowledged.
  var numbers: [String: [Int: Int]] = [:]
  var acknowledged: [String: Set<Int>] = [:]

  struct Bot {
    let consumer: String
    let client: TestClient
    /// What it was given and did not acknowledge, by workspace.
    var held: [String: [Int]] = [:]
  }

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    var configuration = BrokerConfiguration()
    configuration.maxUnacknowledged = .random(in: 1...8, using: &random)
    configuration.spanningUnacknowledgedMax = .random(in: 1...16, using: &random)
    configuration.maxDeliveries = 1_000
    configuration.workspaceIdleSeconds = 20
    self.configuration = configuration
    broker = TestBroker(journal: journal, configuration: configuration)
    for consumer in Self.consumers.keys.sorted() { connectBot(consumer) }
  }

  mutating func step() {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<40: publish()
    case 40..<70: acknowledge()
    case 70..<78: connectBot(Self.consumers.keys.sorted().randomElement(using: &random)!)
    case 78..<86: disconnectBot()
    case 86..<92: broker.advance(milliseconds: .random(in: 1...25_000, using: &random))
    case 92..<94: disconnectAgents()
    case 94..<98: journal.failure = Bool.random(using: &random) ? .unavailable("disk full") : nil
    case _: restart()
    }
    receive()
  }

  mutating func finish() {
    journal.failure = nil
    // What could not be read is read again by now.
    broker.advance(milliseconds: 5_000)
    for consumer in Self.consumers.keys.sorted() { connectBot(consumer) }
    for _ in 0..<2_000 {
      receive()
      guard bots.contains(where: { !$0.held.isEmpty }) else { break }
      for index in bots.indices { acknowledgeAll(index) }
    }
    check()
  }
}

// MARK: - What happens

extension BrokerSimulation {
  private mutating func publish() {
    let workspace = Self.workspaces.randomElement(using: &random)!
    let agent = agents[workspace] ?? broker.connect(workspace)
    agents[workspace] = agent
    published += 1
    let interaction: JSONValue = [
      "interactionId": .string("\(Int.random(in: 1...4, using: &random))"), "ani": .string("\(published)"),
    ]
    agent.send([
      "event": "publish", "referenceId": "p",
      "data": ["event": "interaction", "data": ["eventType": "RINGING", "interaction": interaction]],
    ])
    if agent.received().contains(where: { $0.errorCode == "" && $0.summary == "p" }) {
      confirmed[workspace, default: []].insert(published)
    }
  }

  private mutating func connectBot(_ consumer: String) {
    guard bots.count(where: { $0.consumer == consumer }) < 3 else { return }
    let client = broker.connect(Self.consumers[consumer])
    client.joinDurable(consumer, since: #""beginning""#)
    let messages = client.sink.takeMessages()
    guard messages.first?.errorCode == "" else { return client.disconnect() }
    bots.append(Bot(consumer: consumer, client: client))
    take(messages.dropFirst(), bots.count - 1)
  }

  private mutating func disconnectBot() {
    guard let index = bots.indices.randomElement(using: &random) else { return }
    receive()
    bots.remove(at: index).client.disconnect()
  }

  private mutating func disconnectAgents() {
    for agent in agents.values { agent.disconnect() }
    agents = [:]
  }

  private mutating func restart() {
    receive()
    (bots, agents) = ([], [:])
    broker = TestBroker(journal: journal, configuration: configuration)
  }

  private mutating func acknowledge() {
    guard let index = bots.indices.randomElement(using: &random) else { return }
    guard let (workspace, held) = bots[index].held.randomElement(using: &random) else { return }
    acknowledge(index, workspace, upTo: held.randomElement(using: &random)!)
  }

  private mutating func acknowledgeAll(_ index: Int) {
    for (workspace, held) in bots[index].held { acknowledge(index, workspace, upTo: held.last!) }
  }

  private mutating func acknowledge(_ index: Int, _ workspace: String, upTo offset: Int) {
    bots[index].client.acknowledge(offset, in: Self.consumers[bots[index].consumer] == "*" ? workspace : nil)
    // What it was given after that event it has not acknowledged, even if that is before it (Protocol §9.4).
    let held = bots[index].held[workspace]!
    let place = held.firstIndex(of: offset)!
    let rest = held.indices.filter { held[$0] > offset || ($0 > place && held[$0] != offset) }.map { held[$0] }
    bots[index].held[workspace] = rest.isEmpty ? nil : rest
    let done = Set(held).subtracting(rest).compactMap { numbers[workspace]?[$0] }
    acknowledged[bots[index].client.session.id, default: []].formUnion(done)
  }
}

// MARK: - What must hold

extension BrokerSimulation {
  private mutating func receive() {
    for index in bots.indices { take(bots[index].client.received()[...], index) }
  }

  private mutating func take(_ messages: ArraySlice<String>, _ index: Int) {
    for message in messages {
      let object = try! JSONValue(parsing: message)
      guard object["event"] != nil else {
        #expect(["", "journal_unavailable"].contains(message.errorCode), "\(message)")
        continue
      }
      let scope = Self.consumers[bots[index].consumer]!
      let workspace = scope == "*" ? object["workspaceId"]!.stringValue! : scope
      bots[index].held[workspace, default: []].append(message.offset!)
      guard let interaction = object["data"]?["interaction"] else { continue }
      let number = Int(interaction["ani"]!.stringValue!)!
      numbers[workspace, default: [:]][message.offset!] = number
      given["\(bots[index].consumer)/\(workspace)/\(interaction["interactionId"]!.jsonText)", default: [:]][
        bots[index].client.session.id, default: []
      ].append(number)
    }
  }

  private func check() {
    for (consumer, scope) in Self.consumers {
      for workspace in scope == "*" ? Self.workspaces : [scope] {
        let sequences = given.filter { $0.key.hasPrefix("\(consumer)/\(workspace)/") }.values.flatMap { $0 }
        let missing = confirmed[workspace, default: []].subtracting(sequences.flatMap(\.value))
        #expect(missing.isEmpty, "\(consumer) never got \(missing) of \(workspace)")
        for (session, sequence) in sequences { checkOrder(sequence, to: session) }
      }
    }
    for bot in bots { checkReport(bot) }
  }

  /// What is new to a session follows everything it had; what comes again is followed by what came after it, unless the
  /// session has acknowledged that.
  private func checkOrder(_ sequence: [Int], to session: String) {
    for (number, next) in zip(sequence, sequence.dropFirst()) where next > number {
      let between = Set(sequence).subtracting(acknowledged[session, default: []]).filter { number < $0 && $0 < next }
      #expect(between.isEmpty, "\(next) overtook \(between) in \(sequence)")
    }
  }

  private func checkReport(_ bot: Bot) {
    bot.client.send(["request": "consumer.get", "parameters": [.string(bot.consumer)], "referenceId": "g"])
    let report = bot.client.sink.takeMessages().last ?? ""
    #expect(report.contains(#""backlog":0,"unacknowledged":0,"parked":0,"#), "\(bot.consumer): \(report)")
  }
}
