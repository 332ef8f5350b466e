import CasebusConsole
import CasebusProtocol

/// What is simulated.
struct SimulationPlan {
  /// One for each agent.
  var workspaces: [WorkspaceID]
  var seed: UInt64
  /// Over all agents.
  var stepsPerSecond: Double
  /// Nil: until it is stopped.
  var duration: Duration?

  /// From one step of an agent to its next.
  var turn: Duration { .seconds(Double(workspaces.count) / stepsPerSecond) }
}
