import ArgumentParser
import CasebusConsole
import CasebusProtocol

/// What can be set for the simulator.
struct SimulationOptions: ParsableArguments {
  @Option(help: ArgumentHelp("How many agents work, each in its own workspace, 1 to 5000.", valueName: "count"))
  var agents = 3

  @Option(
    help: ArgumentHelp(
      "Steps per second, 0.001 to 1000000.0, over all agents together: events published and requests made. The bots come on top.",
      valueName: "steps"))
  var rate = 6.0

  @Option(help: ArgumentHelp("The same seed makes the same agents do the same work.", valueName: "number"))
  var seed: UInt64 = 1

  @Option(
    help: ArgumentHelp("Stop after so many seconds, 0.0 to 31536000.0; 0 goes on until Ctrl-C.", valueName: "seconds"))
  var duration = 0.0

  @Option(help: ArgumentHelp("The workspaces are PREFIX1, PREFIX2, …", valueName: "prefix"))
  var workspacePrefix = "agent-"

  func validate() throws {
    try checkRange("--agents", agents, 1...5000)
    try checkRange("--rate", rate, 0.001...1_000_000)
    // A year.
    try checkRange("--duration", duration, 0...31_536_000)
    guard WorkspaceID("\(workspacePrefix)\(agents)") != nil else {
      throw ValidationError(
        "--workspace-prefix is \"\(workspacePrefix)\", expected A-Z a-z 0-9 . _ - and, with the number, at most 64 of them"
      )
    }
  }

  var plan: SimulationPlan {
    SimulationPlan(
      workspaces: (1...agents).map { WorkspaceID("\(workspacePrefix)\($0)")! }, seed: seed, stepsPerSecond: rate,
      duration: duration > 0 ? .seconds(duration) : nil)
  }
}
