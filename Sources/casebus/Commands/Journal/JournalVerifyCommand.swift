import ArgumentParser
import CasebusConsole
import CasebusSQLite

struct JournalVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Checks a journal: its pages, its offsets, its JSON, its positions.",
    discussion: """
      Prints what is wrong, one line each, and ends with status 1 if anything is.

      EXAMPLE:
        casebus journal verify --data ./casebus-data
      """)

  @OptionGroup var directory: JournalDirectory

  func run() throws {
    let progress = ProgressLine()
    let findings = try directory.read { try $0.verify(progress: progress.report) }
    for finding in findings { try printLine(finding) }
    guard findings.isEmpty else { throw CommandFailure("the journal has \(findings.count) faults") }
    try printLine("the journal is as it should be")
  }
}
