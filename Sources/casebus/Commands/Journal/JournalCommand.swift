import ArgumentParser

struct JournalCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "journal", abstract: "Looks into the journal of a broker, checks it, copies it.",
    subcommands: [JournalBenchCommand.self])
}
