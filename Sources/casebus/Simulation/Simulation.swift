import CasebusClient
import CasebusConsole
import CasebusProtocol
import ServiceLifecycle

/// Agents at work on a broker, each in its own workspace, over real connections.
struct Simulation: Service {
  let plan: SimulationPlan
  let broker: BrokerAddress
  let tally: Tally
  /// Called with one line per report.
  let report: @Sendable (String) -> Void

  private static let reportIntervalSeconds = 5

  init(
    _ plan: SimulationPlan, broker: BrokerAddress, report: @escaping @Sendable (String) -> Void = { printError($0) }
  ) {
    self.plan = plan
    self.broker = broker
    self.report = report
    tally = Tally(report: report)
  }

  /// Simulates until the plan's duration is over or it is shut down, and then ends its interactions, except those that
  /// another client blocks. When the broker goes away it waits.
  /// - Throws: ``CommandFailure`` if the broker cannot be reached at the beginning, or after an unexpected failure.
  func run() async throws {
    let agents = plan.workspaces.enumerated().map { index, workspace in
      SimulatedAgent(
        workspace: workspace, scenario: AgentScenario(seed: plan.seed, agent: index), broker: broker, tally: tally)
    }
    for agent in agents { try await agent.begin() }
    let start = ContinuousClock.now
    do {
      try await play(agents, from: start)
      for agent in agents { try await agent.endInteractions() }
    } catch {
      tally.failed("\(error)")
    }
    for agent in agents { await agent.disconnect() }
    report("simulated \(Self.seconds(since: start)) s: \(tally.counts)")
    if let error = tally.firstError {
      throw CommandFailure("unexpected errors: \(tally.counts.errors), the first: \(error)")
    }
  }

  /// - Throws: ``ClientError`` if a connection is lost for good.
  private func play(_ agents: [SimulatedAgent], from start: ContinuousClock.Instant) async throws {
    do {
      try await cancelWhenGracefulShutdown {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for (index, agent) in agents.enumerated() { group.addTask { try await work(agent, index, from: start) } }
          group.addTask { try await reportProgress(since: start) }
          if let duration = plan.duration { group.addTask { try await Task.sleep(for: duration) } }
          defer { group.cancelAll() }
          try await group.next()
        }
      }
    } catch is CancellationError {
      // The simulation is shut down.
    }
  }

  /// The agents take turns, so that the steps of all of them are evenly spread.
  private func work(_ agent: SimulatedAgent, _ index: Int, from start: ContinuousClock.Instant) async throws {
    let first = start.advanced(by: plan.turn * index / plan.workspaces.count)
    try await agent.work(pace: Pace(turn: plan.turn, start: first))
  }

  private func reportProgress(since start: ContinuousClock.Instant) async throws {
    while true {
      try await Task.sleep(for: .seconds(Self.reportIntervalSeconds))
      report("\(Self.seconds(since: start)) s: \(tally.counts)")
    }
  }

  private static func seconds(since start: ContinuousClock.Instant) -> Int64 {
    (ContinuousClock.now - start).components.seconds
  }
}
