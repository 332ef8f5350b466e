import ArgumentParser

struct JournalCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "journal", abstract: "Inspects, checks and copies the journal of a broker.",
    discussion: """
      All of them but import only read, also while a broker writes.

      EXAMPLES:
        casebus journal info --data ./casebus-data
        casebus journal tail -f --workspace default
        casebus journal verify
        casebus journal export > backup.jsonl
        casebus journal import --data ./new-data backup.jsonl
      """,
    subcommands: [
      JournalInfoCommand.self, JournalTailCommand.self, JournalVerifyCommand.self, JournalExportCommand.self,
      JournalImportCommand.self,
    ])
}

/// Which journal.
struct JournalDirectory: ParsableArguments {
  @Option(help: ArgumentHelp("The directory of the journal.", valueName: "directory"))
  var data = JournalOptions.defaultDirectory

  func validate() throws {
    guard !data.isEmpty else { throw ValidationError("--data is empty, expected a directory") }
  }
}
