import CasebusClient
import CasebusJournal
import CasebusProtocol
import CasebusServer
import Logging
import NIOPosix
import ServiceLifecycle
import Testing

@testable import casebus

@Suite struct SimulationTests {
  @Test func agentsWorkOnARealBrokerWithoutErrorsAndLeaveNothingBehind() async throws {
    let plan = SimulationPlan(workspaces: [.default, WorkspaceID("agent-2")!], seed: 1, stepsPerSecond: 400)
    try await withBroker { address in
      let simulation = Simulation(plan, broker: address, report: { _ in })
      try await run(simulation) { counts in
        counts.publications > 200 && counts.requests > 50 && counts.botRequests > 20 && counts.refusals > 0
      }
      let counts = simulation.tally.counts
      #expect(counts.errors == 0, "\(simulation.tally.firstError ?? "")")
      #expect(counts.events > counts.publications)
      let client = try await address.connect(to: .workspace(.default))
      #expect(try await client.request("interaction.getInteractions") == [])
      await client.close()
    }
  }

  @Test func interactionsOfAnEarlierRunAreEndedAndThoseOfOthersAreNot() async throws {
    let plan = SimulationPlan(workspaces: [.default], seed: 1, stepsPerSecond: 1, duration: .milliseconds(1))
    try await withBroker { address in
      let client = try await address.connect(to: .workspace(.default))
      for id in ["sim-call-1", "mine"] {
        try await client.publish("interaction", ["eventType": "HELD", "interaction": ["interactionId": .string(id)]])
      }
      try await Simulation(plan, broker: address, report: { _ in }).run()
      let left = try await client.request("interaction.getInteractions").arrayValue ?? []
      #expect(left.map { $0["interactionId"] } == ["mine"])
      await client.close()
    }
  }

  @Test func anUnreachableBrokerIsSaidPlainly() async throws {
    let plan = SimulationPlan(workspaces: [.default], seed: 1, stepsPerSecond: 1)
    let error = await #expect(throws: CommandFailure.self) {
      try await Simulation(plan, broker: BrokerAddress(host: "127.0.0.1", port: 1), report: { _ in }).run()
    }
    #expect(error?.description.contains("cannot reach 127.0.0.1:1") == true)
  }
}

/// Runs a simulation until so much has happened, however long this machine takes for it.
private func run(_ simulation: Simulation, until isEnough: @Sendable @escaping (Tally.Counts) -> Bool) async throws {
  let group = ServiceGroup(
    configuration: ServiceGroupConfiguration(
      services: [simulation], logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })))
  try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await group.run() }
    let deadline = ContinuousClock.now.advanced(by: .seconds(120))
    while !isEnough(simulation.tally.counts), ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(10))
    }
    #expect(isEnough(simulation.tally.counts), "\(simulation.tally.counts) after two minutes")
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
  }
}

/// Runs a broker on a free port as long as the closure takes.
private func withBroker(_ use: @Sendable @escaping (BrokerAddress) async throws -> Void) async throws {
  let (addresses, continuation) = AsyncStream.makeStream(of: ListeningAddress.self)
  var configuration = BrokerServerConfiguration()
  configuration.port = 0
  let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
  let server = BrokerServer(
    configuration: configuration, journal: MemoryJournal(), group: MultiThreadedEventLoopGroup.singleton,
    instance: "test", logger: logger
  ) { continuation.yield(BrokerAddresses($0).first) }
  let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [server], logger: logger))
  try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await group.run() }
    let address = try #require(await addresses.first { _ in true })
    try await use(BrokerAddress(host: address.host, port: address.port))
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
  }
}
