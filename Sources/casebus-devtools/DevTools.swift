import ArgumentParser
import CasebusConsole

/// What tests and benchmarks of Casebus run; it is not installed.
@main
struct DevTools: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "casebus-devtools", abstract: "Programs for the tests and benchmarks of Casebus.",
    subcommands: [EchoServerCommand.self, EchoClientCommand.self, JournalBenchCommand.self])

  static func main() async {
    StandardOutput.prepare()
    await runProcess()
  }
}
