import ArgumentParser
import CasebusConsole
import CasebusServer

struct ConfigCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Explains and checks the configuration of casebus serve.",
    discussion: """
      EXAMPLES:
        casebus config example > casebus.yaml
        casebus config check casebus.yaml
        casebus serve --config casebus.yaml
      """,
    subcommands: [CheckCommand.self, ExampleCommand.self, ReferenceCommand.self])

  struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "check", abstract: "Prints every error of a configuration file; status 1 if there is one.")

    @Argument(help: "A YAML or JSON file.")
    var file: String

    func run() async throws {
      let resolution = ConfigurationResolution(file: file)
      guard resolution.problems.isEmpty else {
        throw CommandFailure(resolution.problems.map(\.description).joined(separator: "\n"))
      }
      try printLine("\(file) is valid: \(resolution.sources.count) of \(ConfigurationTable.keys.count) keys are set")
    }
  }

  struct ExampleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "example", abstract: "Prints a configuration file with every key and its default (YAML).")

    func run() async throws { try printLine(String(ConfigurationReference.example.dropLast())) }
  }

  struct ReferenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "reference", abstract: "Prints every key with its values, default and meaning (Markdown).")

    func run() async throws { try printLine(String(ConfigurationReference.markdown.dropLast())) }
  }
}
