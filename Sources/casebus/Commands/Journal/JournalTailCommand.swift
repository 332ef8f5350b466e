import ArgumentParser
import CasebusConsole
import CasebusJournal
import CasebusProtocol
import CasebusSQLite
import NIOCore

struct JournalTailCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tail", abstract: "Prints the newest events of a journal, one JSON line each.",
    discussion: """
      EXAMPLES:
        casebus journal tail --count 100
        casebus journal tail --follow --workspace default --after 0
      """)

  @OptionGroup var directory: JournalDirectory

  @Flag(name: [.short, .long], help: "Then prints new events until it is stopped.")
  var follow = false

  @Option(help: ArgumentHelp("The workspace; without it all of them.", valueName: "id"))
  var workspace: String?

  @Option(help: ArgumentHelp("Begins after this offset, 0 to 1099511627775; needs --workspace.", valueName: "offset"))
  var after: UInt64?

  @Option(name: [.short, .long], help: ArgumentHelp("Begins with so many events, 0 to 10000000.", valueName: "count"))
  var count = 10

  private static var pageMax: Int { 1000 }

  func validate() throws {
    try checkRange("--count", count, 0...10_000_000)
    if let after { try checkRange("--after", after, 0...ClosedRange.events.upperBound) }
    guard after == nil || workspace != nil else { throw ValidationError("--after needs --workspace") }
    guard workspace.map({ WorkspaceID($0) != nil }) ?? true else {
      throw ValidationError("--workspace is \"\(workspace ?? "")\", expected 1 to 64 of A-Z a-z 0-9 . _ -")
    }
  }

  func run() async throws {
    let scope = workspace.flatMap(WorkspaceID.init)
    let inspection = try directory.read { $0 }
    var seen = try directory.reading { try inspection.ends(of: scope) }
    if let scope, let after {
      try directory.reading { try print(inspection, scope, after: after, upTo: seen[scope] ?? 0) }
    } else {
      try directory.reading { try printNewest(inspection, seen) }
    }
    if follow { StandardOutput.endProcessWithReader() }
    var version = try inspection.version()
    while follow {
      try await Task.sleep(for: .milliseconds(200))
      let now = try inspection.version()
      guard now != version else { continue }
      version = now
      try directory.reading { try printNew(inspection, scope, since: &seen) }
    }
  }

  private func print(
    _ inspection: JournalInspection, _ workspace: WorkspaceID, after offset: UInt64, upTo end: UInt64
  ) throws {
    var offset = offset
    while offset < end {
      let page = try inspection.entries(of: workspace, after: offset, limit: Self.pageMax)
      guard let last = page.last?.record.offset else { return }
      for entry in page where entry.record.offset <= end { try print(entry) }
      offset = last
    }
  }

  private func printNewest(_ inspection: JournalInspection, _ ends: [WorkspaceID: UInt64]) throws {
    let entries = try ends.flatMap { workspace, end in
      try inspection.entries(of: workspace, after: end - min(end, UInt64(count)), limit: count)
    }
    for entry in entries.sorted(by: Self.isEarlier).suffix(count) { try print(entry) }
  }

  private func printNew(
    _ inspection: JournalInspection, _ scope: WorkspaceID?, since seen: inout [WorkspaceID: UInt64]
  ) throws {
    let ends = try inspection.ends(of: scope)
    let entries = try ends.filter { $0.value > seen[$0.key] ?? 0 }.flatMap { workspace, end in
      try inspection.entries(of: workspace, after: seen[workspace] ?? 0, limit: .max)
        .filter { $0.record.offset <= end }
    }
    for entry in entries.sorted(by: Self.isEarlier) { try print(entry) }
    seen = ends
  }

  private func print(_ entry: JournalEntry) throws(OutputFailure) {
    try printLine(String(buffer: entry.json))
  }

  private static func isEarlier(_ left: JournalEntry, _ right: JournalEntry) -> Bool {
    (left.record.time, left.workspace.text, left.record.offset)
      < (right.record.time, right.workspace.text, right.record.offset)
  }
}
