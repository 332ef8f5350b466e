import CasebusJournal
import CasebusProtocol
import CasebusTestSupport
import CasebusWorkspace
import NIOCore
import Testing

@testable import CasebusBroker

/// Sessions and monitors place and lift blocks and leave, while commits and reads fail and another broker comes first:
/// nothing of those who are gone stays.
@Suite struct DepartureSimulationTests {
  @Test(arguments: [1, 2], [1, 3]) func nothingStaysOfThoseWhoAreGone(brokerCount: Int, loopCount: Int) {
    var problems: [String] = []
    for seed in 0..<UInt64(120) {
      if let problem = Self.run(seed, brokerCount, loopCount) { problems.append("seed \(seed): \(problem)") }
    }
    #expect(problems.isEmpty, "\(problems.count): \(problems.prefix(6))")
  }

  private static func run(_ seed: UInt64, _ brokerCount: Int, _ loopCount: Int) -> String? {
    var random = SplitMix64(seed: seed)
    let shared = SharedJournal()
    let journals = (0..<brokerCount).map { _ in SimulatedJournal(shared) }
    let brokers = journals.map { TestBroker(journal: $0, loopCount: loopCount) }
    var clients: [(broker: Int, monitor: Bool, client: TestClient)] = []
    let names = ["a", "b", "c"]
    func settle() {
      for _ in 0..<30 {
        for (journal, broker) in zip(journals, brokers) {
          journal.finishEverything(for: broker)
          broker.letMonitorsCatchUp()
        }
      }
    }
    for _ in 0..<150 {
      let broker = Int.random(in: 0..<brokerCount, using: &random)
      switch Int.random(in: 0..<20, using: &random) {
      case 0..<2:
        if clients.count < 8 {
          let monitor = Bool.random(using: &random)
          let client = brokers[broker].connect(
            monitor ? "*" : names.randomElement(using: &random)!, on: Int.random(in: 0..<loopCount, using: &random))
          if Bool.random(using: &random) {
            client.sendWithoutRunning(
              monitor
                ? #"{"event":"subscribe","data":["interaction","markdone"]}"#
                : #"{"event":"subscribe","data":["interaction","markdone"],"since":"beginning"}"#)
          }
          clients.append((broker, monitor, client))
        }
      case 2..<4:
        if !clients.isEmpty {
          let gone = clients.remove(at: Int.random(in: 0..<clients.count, using: &random))
          gone.client.session.connectionClosed(code: 1006, reason: "test", bytesSent: 0)
        }
      case 4..<12:
        guard let (_, monitor, client) = clients.randomElement(using: &random) else { continue }
        let workspace = monitor ? #""workspaceId":"\#(names.randomElement(using: &random)!)","# : ""
        let id = Int.random(in: 1...2, using: &random)
        let text =
          switch Int.random(in: 0..<7, using: &random) {
          case 0..<2:
            #"{\#(workspace)"request":"interaction.blockMarkdone","parameters":["\#(id)","w"],"referenceId":"b"}"#
          case 2..<4:
            #"{\#(workspace)"request":"interaction.unblockMarkdone","parameters":["\#(id)"],"referenceId":"u"}"#
          case 4: #"{\#(workspace)"request":"interaction.getInteractions","parameters":[],"referenceId":"g"}"#
          case 5:
            #"{\#(workspace)"event":"publish","data":{"event":"agent","data":{"n":1}}}"#
          default:
            #"{\#(workspace)"event":"publish","data":{"event":"interaction","data":{"eventType":"IDLE","interaction":{"interactionId":"\#(id)"}}}}"#
          }
        client.sendWithoutRunning(text)
      case 12..<15:
        journals[broker].finishAppend(
          succeeds: Int.random(in: 0..<3, using: &random) > 0,
          refusing: Int.random(in: 0..<4, using: &random) == 0 ? WorkspaceID("a")! : nil)
        if Bool.random(using: &random) { continue }
      case 15..<18:
        journals[broker].finishRead(
          Int.random(in: 0..<3, using: &random), succeeds: Int.random(in: 0..<6, using: &random) > 0)
      default: if Bool.random(using: &random) { brokers[broker].advance(milliseconds: 300) }
      }
      if Int.random(in: 0..<3, using: &random) > 0 { brokers[broker].run() }
    }
    for (_, _, client) in clients { client.session.connectionClosed(code: 1006, reason: "test", bytesSent: 0) }
    settle()
    for broker in brokers {
      for _ in 0..<4 {
        broker.advance(milliseconds: 500)
        settle()
      }
    }
    // Anything that is committed later lifts what could not be lifted; it also shows each broker what the others did.
    for broker in brokers + brokers {
      let last = broker.connect("*")
      for name in names {
        last.send(
          #"{"workspaceId":"\#(name)","event":"publish","referenceId":"\#(name)","data":{"event":"agent","data":{}}}"#)
      }
      settle()
      let answers = last.received()
      if answers.map(\.errorCode) != ["", "", ""] { return "answers \(answers)" }
      last.disconnect()
      settle()
    }
    for (number, broker) in brokers.enumerated() {
      let witness = broker.connect("*")
      for port in witness.session.loop.loops {
        let loop = port.loop
        if loop.commits.pendingBytes != 0 { return "pendingBytes \(loop.commits.pendingBytes)" }
        if port.inboxBytes.count != 0 { return "inboxBytes \(port.inboxBytes.count)" }
        if !loop.window.isEmpty { return "window \(loop.window)" }
        if !loop.monitors.isEmpty { return "broker \(number): monitors \(loop.monitors)" }
        for host in loop.hosts.values {
          if host.pendingCommits != 0 || host.waitingMessages != 0 { return "pending" }
          if host.currentOffset != host.durableOffset { return "offsets" }
          if !host.current.blocks.isEmpty, number == brokerCount - 1 {
            return "broker \(number) has blocks \(host.current.blocks)"
          }
          if !host.departed.isEmpty { return "departed \(host.departed)" }
          if !host.sessions.isEmpty { return "sessions" }
        }
      }
      witness.disconnect()
    }
    return nil
  }
}
