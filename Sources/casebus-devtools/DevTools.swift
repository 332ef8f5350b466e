import ArgumentParser
import CasebusConsole

/// Commands for the tests and benchmarks of Casebus; not installed.
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
