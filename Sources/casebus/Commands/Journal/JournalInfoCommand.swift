import ArgumentParser
import CasebusConsole
import CasebusJournal
import CasebusProtocol
import CasebusSQLite

struct JournalInfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Prints numbers and sizes of a journal.",
    discussion: """
      EXAMPLE:
        casebus journal info --data ./casebus-data --top 20
      """)

  @OptionGroup var directory: JournalDirectory

  @Option(
    help: ArgumentHelp("How many workspaces to list, those with the most events, 0 to 10000000.", valueName: "count"))
  var top = 10

  func validate() throws {
    try checkRange("--top", top, 0...10_000_000)
  }

  func run() throws {
    let (file, summary) = try directory.read { ($0.file, try $0.summary(workspacesMax: top)) }
    try printLine("journal     \(file)")
    try printLine("schema      \(summary.schema)")
    try printLine("epoch       \(summary.epoch)")
    for (name, bytes) in summary.files { try printLine("file        \(name)  \(bytes.bytesText)") }
    try printLine("workspaces  \(summary.workspaceCount)")
    try printLine("events      \(summary.eventCount)")
    try printLine("answers     \(summary.receiptCount) (kept for messages that are sent again)")
    try printLine("consumers   \(summary.consumers.count)")
    try Self.printTable(
      summary.workspaces.map(\.cells), heads: ["workspace", "events", "first", "last", "snapshot", "due"])
    try Self.printTable(
      summary.consumers.map(\.cells), heads: ["consumer", "workspace", "backlog", "behind in", "parked", "events"])
  }

  private static func printTable(_ rows: [[String]], heads: [String]) throws(OutputFailure) {
    guard !rows.isEmpty else { return }
    let widths = heads.indices.map { column in ([heads] + rows).map { $0[column].count }.max() ?? 0 }
    try printLine("")
    for row in [heads] + rows {
      let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
      try printLine(String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed()))
    }
  }
}

extension JournalSummary.Workspace {
  fileprivate var cells: [String] {
    [name, "\(last + 1 - first)", "\(first)", "\(last)", snapshot.map { "\($0)" } ?? "-", deadline?.timeText ?? "-"]
  }
}

extension JournalSummary.Consumer {
  fileprivate var cells: [String] {
    [
      consumer.key.name, consumer.key.workspace?.text ?? "*", "\(backlog)", "\(workspacesBehind)", "\(parked)",
      consumer.events.joined(separator: ","),
    ]
  }
}
