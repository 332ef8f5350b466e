import ArgumentParser
import CasebusProtocol

/// What can be set for the simulator.
struct SimulationOptions: ParsableArguments {
  @Option(help: ArgumentHelp("How many agents work, each in its own workspace.", valueName: "count"))
  var agents = 3

  @Option(
    help: ArgumentHelp(
      "Steps per second, over all agents together: events published and requests made. The bots come on top.",
      valueName: "steps"))
  var rate = 6.0

  @Option(help: ArgumentHelp("The same seed makes the same agents do the same work.", valueName: "number"))
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("Stop after so many seconds; 0 goes on until Ctrl-C.", valueName: "seconds"))
  var duration = 0.0

  @Option(help: ArgumentHelp("The workspaces are PREFIX1, PREFIX2, …", valueName: "prefix"))
  var workspacePrefix = "agent-"

  func validate() throws {
    guard (1...5000).contains(agents) else { throw ValidationError("--agents is \(agents), expected 1 to 5000") }
    guard rate > 0, rate.isFinite else { throw ValidationError("--rate is \(rate), expected a number greater than 0") }
    guard duration >= 0, duration.isFinite else {
      throw ValidationError("--duration is \(duration), expected 0 or more seconds")
    }
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
