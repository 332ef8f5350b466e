import ArgumentParser
import CasebusConsole
import CasebusSQLite
import NIOCore

struct JournalImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Creates a new journal from an export.",
    discussion: """
      It is there when everything is in it and right, or not at all. It gets an epoch of its
      own, so that clients fetch their state anew; with --keep-epoch they go on where they
      were. Use that only if no broker worked with the journal after it was exported.

      EXAMPLES:
        casebus journal import --data ./new-data backup.jsonl
        casebus journal export | casebus journal import --data ./new-data --keep-epoch
      """)

  @OptionGroup var directory: JournalDirectory

  @Flag(help: "Keep the epoch, so that clients can resume.")
  var keepEpoch = false

  @Argument(help: ArgumentHelp("An export; without it, or for -, standard input.", valueName: "file"))
  var file = "-"

  func run() throws {
    do {
      let lines = try LineReader(file)
      let journal = try JournalImport(directory: directory.data, keepsEpoch: keepEpoch)
      let progress = ProgressLine()
      var count: UInt64 = 0
      while let line = try lines.next() {
        try journal.add(line)
        count += 1
        if count % 10_000 == 0 { progress.report("importing lines", count, 0) }
      }
      let (workspaces, events) = try journal.finish()
      try printLine("imported \(events) events of \(workspaces) workspaces into \(directory.data)")
    } catch let error as JournalFileError {
      throw CommandFailure("\(error)")
    } catch let error as JournalImportError {
      throw CommandFailure("\(file == "-" ? "standard input" : file), \(error); nothing was imported")
    }
  }
}
