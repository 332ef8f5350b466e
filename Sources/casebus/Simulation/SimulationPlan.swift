import CasebusConsole
import CasebusProtocol

/// The plan of a simulation.
struct SimulationPlan {
  /// One workspace per agent.
  var workspaces: [WorkspaceID]
  var seed: UInt64
  /// Steps per second, over all agents.
  var stepsPerSecond: Double
  /// nil: until it is stopped.
  var duration: Duration?

  /// The time between two steps of one agent.
  var turn: Duration { .seconds(Double(workspaces.count) / stepsPerSecond) }
}
