import CasebusClient
import CasebusConsole
import CasebusProtocol
import Logging
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

  @Test func whatSomebodyElseBlocksIsLeftAlone() async throws {
    let plan = SimulationPlan(workspaces: [.default], seed: 1, stepsPerSecond: 200, duration: .milliseconds(500))
    try await withBroker { address in
      let client = try await address.client()
      _ = try await client.subscribe(to: ["markdone"])
      for (id, state) in [("sim-call-1", "IDLE"), ("sim-call-2", "IDLE")] {
        try await client.publish(
          "interaction", ["eventType": .string(state), "interaction": ["interactionId": .string(id)]])
      }
      _ = try await client.request("interaction.blockMarkdone", ["sim-call-1", "not yet"])
      let simulation = Simulation(plan, broker: address, report: { _ in })
      try await simulation.run()
      #expect(simulation.tally.counts.errors == 0, "\(simulation.tally.firstError ?? "")")
      let left = try await client.request("interaction.getInteractions").arrayValue ?? []
      #expect(left.map { $0["interactionId"] } == ["sim-call-1"])
      await client.close()
    }
  }

  /// Nothing is marked done while it is blocked: no bot that watches sees a MARKED_DONE between a block and its end.
  @Test func cleaningUpLooksLikeNoBrokenGuard() async throws {
    let plan = SimulationPlan(workspaces: [.default], seed: 7, stepsPerSecond: 400)
    try await withBroker { address in
      let watcher = try await address.client()
      _ = try await watcher.subscribe(to: ["markdone", "agent"])
      try await run(Simulation(plan, broker: address, report: { _ in })) { $0.requests > 100 && $0.refusals > 3 }
      try await watcher.publish("agent", [:])
      var guards = Guards()
      for await event in watcher.events {
        if event.name == "agent" { break }
        guards.take(event)
      }
      #expect(guards.markedDone > 5)
      #expect(guards.broken.isEmpty)
      await watcher.close()
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

/// The blocks that stand, as somebody knows them who only watches.
private struct Guards {
  private(set) var markedDone = 0
  /// What was marked done while it was blocked.
  private(set) var broken: [String] = []
  private var blocks: [String: Int] = [:]

  mutating func take(_ event: CasebusClient.Event) {
    guard let id = event.data["interactionId"]?.stringValue else { return }
    switch event.data["eventType"]?.stringValue {
    case "MARKDONE_BLOCKED": blocks[id, default: 0] += 1
    case "MARKDONE_UNBLOCKED", "MARKDONE_BLOCK_EXPIRED": blocks[id, default: 0] -= 1
    case "MARKED_DONE":
      markedDone += 1
      if blocks[id, default: 0] > 0 { broken.append(id) }
    default: break
    }
  }
}
