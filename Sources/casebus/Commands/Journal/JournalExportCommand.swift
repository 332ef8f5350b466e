import ArgumentParser
import CasebusConsole
import CasebusSQLite
import NIOCore

struct JournalExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Writes everything in a journal to standard output, as JSON lines.",
    discussion: """
      All of it is of one moment, also while a broker writes.

      EXAMPLE:
        casebus journal export --data ./casebus-data > backup.jsonl
      """)

  @OptionGroup var directory: JournalDirectory

  func run() throws {
    let progress = ProgressLine()
    try directory.read { try $0.export(to: { try writeOutput($0) }, progress: progress.report) }
  }
}
