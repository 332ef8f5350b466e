import ArgumentParser
import Logging
import ServiceLifecycle
import UnixSignals

struct SimulateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate", abstract: "Simulates agents at work on a running broker: calls, chats and e-mails.",
    discussion: """
      Each agent is three clients of one workspace: a source that publishes what
      happens, a desktop that selects cases, sets user data and marks done, and a
      bot that blocks the mark done until there is a disposition. Their
      interactions are named sim-…; those that are open at the end, or were left by
      an earlier run, are ended, unless somebody else blocks them; others are left
      alone. When the broker goes away it waits for it, and goes on. How it goes is told on
      standard error. If anything fails that should not, the exit status is 1.

      EXAMPLES:
        casebus simulate
        casebus simulate --agents 50 --rate 500 --seed 7 --duration 60
        casebus simulate --url ws://127.0.0.1:9000/v2 --workspace-prefix test-
      """)

  @OptionGroup var broker: BrokerOptions

  @OptionGroup var options: SimulationOptions

  func run() async throws {
    let simulation = Simulation(options.plan, broker: try broker.address())
    let logger = Logger(label: "casebus", factory: { _ in SwiftLogNoOpLogHandler() })
    let service = ServiceGroupConfiguration.ServiceConfiguration(
      service: simulation, successTerminationBehavior: .gracefullyShutdownGroup)
    try await ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [service], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    ).run()
  }
}
