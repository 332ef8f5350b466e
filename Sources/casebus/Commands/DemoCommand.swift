import ArgumentParser
import CasebusProtocol
import ServiceLifecycle

struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Runs a broker and simulated agents in one process, with commands to try.",
    discussion: """
      casebus serve and casebus simulate together; the first agent works in the
      workspace that clients get who name none.

      EXAMPLES:
        casebus demo
        casebus demo --agents 10 --rate 30 --seed 7 --port 9000
      """)

  @OptionGroup var server: ServerOptions
  @OptionGroup var simulation: SimulationOptions

  func run() async throws {
    var plan = simulation.plan
    plan.workspaces[0] = .default
    let (addresses, continuation) = AsyncStream.makeStream(of: ListeningAddress.self)
    try await BrokerProcess(server).run(companions: [DemoSimulation(plan: plan, addresses: addresses)]) {
      [plan] address in
      printLine(DemoGuide(address: address, plan: plan, command: CommandLine.arguments[0]).text)
      continuation.yield(address)
    }
  }
}

/// The simulator in the process of the broker: begins when that listens.
private struct DemoSimulation: Service {
  let plan: SimulationPlan
  let addresses: AsyncStream<ListeningAddress>

  func run() async throws {
    for await address in addresses.cancelOnGracefulShutdown() {
      return try await Simulation(plan, broker: BrokerAddress(host: address.host, port: address.port)).run()
    }
  }
}
