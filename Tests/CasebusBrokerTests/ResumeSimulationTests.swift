import CasebusBroker
import CasebusJournal
import CasebusProtocol
import CasebusTestSupport
import NIOCore
import Testing

import class Foundation.ProcessInfo

/// Clients that come, go, read slowly and resume while others publish, the journal is late, fails or forgets, and the
/// broker dies, in every order that a seed makes (Protocol §9.2): nobody misses an event or gets one twice.
///
/// A failing seed is in the message. CASEBUS_SIMULATIONS says how many seeds are tried.
@Suite struct ResumeSimulationTests {
  static let count = ProcessInfo.processInfo.environment["CASEBUS_SIMULATIONS"].flatMap(Int.init) ?? 60

  @Test func nobodyMissesAnEventOrGetsItTwice() {
    var resumes = (whole: 0, broken: 0)
    for seed in 0..<UInt64(Self.count) {
      let simulation = ResumeSimulation(seed: seed)
      if let problem = simulation.run() {
        Issue.record("seed \(seed), step \(simulation.steps): \(problem)")
        return
      }
      for client in simulation.clients {
        resumes.whole += client.resumes.whole
        resumes.broken += client.resumes.broken
      }
    }
    // Both happen, and often.
    #expect(resumes.whole > 10 * Self.count && resumes.broken > Self.count / 2, "\(resumes)")
  }
}

private final class ResumeSimulation {
  private(set) var steps = 0
  private(set) var clients: [SimulatedClient] = []
  private var random: SplitMix64
  private let journal = SimulatedJournal()
  private var broker: TestBroker
  private var sources: [String: TestClient] = [:]
  /// What was sent, by the number in its data, and is not answered.
  private var unanswered: [Int: JSONValue] = [:]
  private var acknowledged: Set<Int> = []
  /// What an earlier broker got, too.
  private var sentAgain: Set<Int> = []
  private var published = 0
  private static let workspaces = ["a", "b"]

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    broker = TestBroker(journal: journal, configuration: Self.configuration)
    for workspace in Self.workspaces {
      for names in [["agent", "media"], ["agent", "media"], ["media"]] {
        clients.append(SimulatedClient(workspace, Set(names), journal))
      }
    }
  }

  /// Everything that has a size is small, so that its end is met.
  private static var configuration: BrokerConfiguration {
    var configuration = BrokerConfiguration()
    configuration.snapshotIntervalEvents = 5
    configuration.replayTailBytesMax = 600
    configuration.workspaceIdleSeconds = 1
    return configuration
  }

  private func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  /// - Returns: what went wrong; nil if nothing did.
  func run() -> String? {
    for _ in 0..<500 {
      steps += 1
      step()
      if let problem = settle(all: false) { return problem }
    }
    return end()
  }

  private func step() {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<25: for _ in 0...Int.random(in: 0...8, using: &random) { publish() }
    case 25..<50: journal.finishAppend(succeeds: !chance(5))
    case 50..<55:
      journal.finishAppend(succeeds: true, refusing: WorkspaceID(Self.workspaces.randomElement(using: &random)!)!)
    case 55..<75: journal.finishRead(Int.random(in: 0..<100, using: &random), succeeds: !chance(3))
    case 75..<83: toggle(clients.randomElement(using: &random)!)
    case 83..<88: clients.randomElement(using: &random)!.connection?.sink.isWritable.toggle()
    case 88..<91: prune()
    case 91..<98: broker.advance(milliseconds: Int64.random(in: 1...1500, using: &random))
    case _: if chance(20) { crash() }
    }
  }

  private func toggle(_ client: SimulatedClient) {
    if client.connection == nil { client.connect(to: broker) } else { client.disconnect() }
  }

  private func prune() {
    let workspace = WorkspaceID(Self.workspaces.randomElement(using: &random)!)!
    journal.prune(workspace, upTo: .random(in: 0...journal.stream(workspace).last, using: &random))
  }

  private func publish() {
    published += 1
    let workspace = Self.workspaces[published % 2]
    let message: JSONValue = [
      "event": "publish", "referenceId": .number(JSONNumber(published)), "messageId": .string("m\(published)"),
      "data": ["event": chance(50) ? "agent" : "media", "data": ["number": .number(JSONNumber(published))]],
    ]
    unanswered[published] = message
    source(of: workspace).sendWithoutRunning(message.jsonText)
  }

  private func source(of workspace: String) -> TestClient {
    if let source = sources[workspace] { return source }
    let source = broker.connect(workspace)
    sources[workspace] = source
    return source
  }

  /// What was sent and not answered is sent again, to the next broker.
  private func crash() {
    journal.crash(committing: Int.random(in: 0...2, using: &random))
    broker = TestBroker(journal: journal, configuration: Self.configuration)
    sources = [:]
    for client in clients { client.lose() }
    sentAgain.formUnion(unanswered.keys)
    for (number, message) in unanswered.sorted(by: { $0.key < $1.key }) {
      source(of: Self.workspaces[number % 2]).sendWithoutRunning(message.jsonText)
    }
  }

  /// The broker does what there is to do, and the clients take what came, or some of it.
  private func settle(all: Bool) -> String? {
    broker.run()
    for source in sources.values {
      for text in source.received() { answered(text) }
    }
    for client in clients {
      client.collect()
      if let problem = client.handle(all ? .max : Int.random(in: 0...20, using: &random)) { return problem }
    }
    return nil
  }

  private func answered(_ text: String) {
    guard let number = text.reference, let message = unanswered.removeValue(forKey: number) else { return }
    if !text.contains("journal_unavailable") {
      acknowledged.insert(number)
    } else if sentAgain.contains(number) {
      // The first one may have been committed all the same: it is not given up.
      unanswered[number] = message
      source(of: Self.workspaces[number % 2]).sendWithoutRunning(message.jsonText)
    }
  }

  /// Everything works again, and everybody catches up.
  private func end() -> String? {
    for _ in 0..<10_000 where journal.isBusy || clients.contains(where: { $0.connection == nil || $0.isBehind }) {
      for client in clients {
        if client.connection == nil { client.connect(to: broker) }
        client.connection?.sink.isWritable = true
      }
      journal.finishAppend(succeeds: true)
      journal.finishRead(0, succeeds: true)
      broker.advance(milliseconds: 20)
      if let problem = settle(all: true) { return problem }
    }
    if let late = clients.first(where: \.isBehind) { return "a client stays at \(late.position)" }
    return countEffects()
  }

  /// What was acknowledged happened once, what was refused did not.
  private func countEffects() -> String? {
    guard unanswered.isEmpty else { return "\(unanswered.keys.sorted()) were never answered" }
    let records = Self.workspaces.flatMap { journal.stream(WorkspaceID($0)!).all }
    let numbers = records.map { String(buffer: $0.data) }.sorted()
    let expected = acknowledged.map { #"{"number":\#($0)}"# }.sorted()
    return numbers == expected ? nil : "\(numbers.count) events of \(expected.count) acknowledged messages"
  }
}

extension SimulatedClient {
  var isBehind: Bool { nextWanted != nil }
}

extension String {
  fileprivate var reference: Int? {
    firstMatch(of: #/^\{"referenceId":(\d+),/#).flatMap { Int($0.1) }
  }
}
