import CasebusJournal
import CasebusProtocol
import CasebusTestSupport
import Testing

@testable import CasebusBroker

/// Monitors ask, publish, block, stop reading and leave at random, while the journal takes its time and fails.
@Suite struct MonitorSimulationTests {
  private static let workspaces = ["a", "b", "c", "d"]

  @Test(arguments: 0..<200) func nothingIsLeftOfMonitorsThatAreGone(_ seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    let journal = SimulatedJournal()
    var configuration = BrokerConfiguration()
    configuration.outcomeBytesInFlightMax = 20_000
    configuration.uncommittedBytesMax = Bool.random(using: &random) ? 1 : 1 << 20
    configuration.workspaceIdleSeconds = 1
    let broker = TestBroker(
      journal: journal, configuration: configuration, loopCount: Int.random(in: 1...3, using: &random))
    var bots: [Bot] = []
    for _ in 1...300 {
      switch Int.random(in: 0..<20, using: &random) {
      case 0 where bots.count < 4:
        bots.append(Bot(client: broker.connect("*", on: Int.random(in: 0..<broker.loops.all.count, using: &random))))
      case 1 where !bots.isEmpty:
        let bot = bots.remove(at: Int.random(in: 0..<bots.count, using: &random))
        bot.checkOrder("seed \(seed)")
        bot.client.disconnect()
      case 2: bots.randomElement(using: &random)?.client.sink.isWritable.toggle()
      case 3: journal.finishAppend(succeeds: Int.random(in: 0..<6, using: &random) > 0)
      case 4, 5: journal.finishAppend(succeeds: true)
      case 6, 7:
        journal.finishRead(Int.random(in: 0..<5, using: &random), succeeds: Int.random(in: 0..<9, using: &random) > 0)
      case 8: broker.advance(milliseconds: Int64.random(in: 1...1_500, using: &random))
      case _:
        guard let index = bots.indices.randomElement(using: &random) else { continue }
        bots[index].say(&random)
      }
      if Bool.random(using: &random) { broker.run() }
      for index in bots.indices { bots[index].receive() }
    }
    for bot in bots { bot.client.disconnect() }
    journal.finishEverything(for: broker)
    for workspace in Self.workspaces {
      let agent = broker.connect(workspace)
      journal.finishEverything(for: broker)
      // A journal that refused to take that blocks were lifted is asked again with the next commit.
      agent.publish("IDLE", "other")
      journal.finishEverything(for: broker)
      agent.send(#"{"request":"interaction.markdone","parameters":["1"],"referenceId":"m"}"#)
      journal.finishEverything(for: broker)
      #expect(!agent.received().contains { $0.contains("markdone_blocked") }, "seed \(seed), \(workspace)")
      agent.disconnect()
    }
    journal.finishEverything(for: broker)
    let witness = broker.connect("*")
    for loop in witness.session.loop.loops.map(\.loop) {
      #expect(loop.monitors.isEmpty && loop.window.isEmpty, "seed \(seed)")
      let known = loop.hosts.values.flatMap(\.monitors.keys)
      #expect(known.isEmpty, "seed \(seed)")
    }
  }
}

/// One monitor, and what it was answered.
private struct Bot {
  let client: TestClient
  private var asked = 0
  /// The numbers of the answers, by workspace.
  private var answers: [String: [Int]] = [:]

  init(client: TestClient) {
    self.client = client
  }

  mutating func say(_ random: inout SplitMix64) {
    asked += 1
    let workspace = ["a", "b", "c", "d"].randomElement(using: &random)!
    let filling = String(repeating: "x", count: Bool.random(using: &random) ? 0 : 20_000)
    let content =
      switch Int.random(in: 0..<6, using: &random) {
      case 0, 1:
        #""event":"publish","data":{"event":"interaction","data":{"eventType":"IDLE","interaction":{"interactionId":"1","userData":{"f":"\#(filling)"}}}}"#
      case 2: #""request":"interaction.unblockMarkdone","parameters":["1"]"#
      case 3: #""request":"interaction.getInteractions""#
      case _: #""request":"interaction.blockMarkdone","parameters":["1","w"]"#
      }
    client.sendWithoutRunning(#"{\#(content),"workspaceId":"\#(workspace)","referenceId":\#(asked)}"#)
  }

  mutating func receive() {
    for text in client.received() {
      guard let message = try? JSONValue(parsing: text), case .number(let number)? = message["referenceId"],
        let workspace = message["workspaceId"]?.stringValue, let reference = number.integer
      else { continue }
      answers[workspace, default: []].append(reference)
    }
  }

  /// What was answered in one workspace is in the order in which it was asked.
  func checkOrder(_ place: String) {
    for numbers in answers.values { #expect(numbers == numbers.sorted(), "\(place): \(numbers)") }
  }
}
