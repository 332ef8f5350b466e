import ArgumentParser
import CasebusConsole
import CasebusServer
public import CasebusSQLite
import Logging

/// Where and how a broker keeps its events; the defaults are those of `Protocol/registry/limits.json`.
struct JournalOptions: ParsableArguments {
  enum Storage: String, ExpressibleByArgument, CaseIterable {
    case sqlite
    case memory
  }

  @Option(help: "Where events are kept; sqlite: in a file in --data, memory: as long as the broker runs.")
  var journal = Storage.sqlite

  @Option(help: ArgumentHelp("The directory of the journal; made if it is not there.", valueName: "directory"))
  var data = JournalOptions.defaultDirectory

  @Option(
    help: "Before something is answered it is on the disk (full), or the system has it (normal): faster, less safe.")
  var durability = SQLiteJournalConfiguration.Durability.full

  @Option(help: ArgumentHelp("How long events are kept, 1 to 3153600000 seconds.", valueName: "seconds"))
  var retentionSeconds: Int64 = 604_800

  @Option(help: ArgumentHelp("How many events of a workspace are kept, 1 to 1099511627775.", valueName: "count"))
  var retentionEventsPerWorkspaceMax: UInt64 = 100_000

  @Option(
    help: ArgumentHelp("How many bytes of events of a workspace are kept, 1 to 1099511627776.", valueName: "bytes"))
  var retentionBytesPerWorkspaceMax = 256 << 20

  @Option(
    help: ArgumentHelp(
      "How many events are kept for a durable consumer that is behind, 1 to 1099511627775.", valueName: "count"))
  var consumerBacklogEventsMax: UInt64 = 1_000_000

  @Option(
    help: ArgumentHelp(
      "How many bytes of events are kept for a durable consumer that is behind, 1 to 1099511627776.",
      valueName: "bytes"))
  var consumerBacklogBytesMax = 1 << 30

  @Option(
    help: ArgumentHelp("How long a message that is sent again is known, 1 to 86400 seconds.", valueName: "seconds"))
  var messageIdWindow = 120

  static let defaultDirectory = "./casebus-data"

  func validate() throws {
    guard !data.isEmpty else { throw ValidationError("--data is empty, expected a directory") }
    // A hundred years.
    try checkRange("--retention-seconds", retentionSeconds, 1...3_153_600_000)
    try checkRange("--retention-events-per-workspace-max", retentionEventsPerWorkspaceMax, .events)
    try checkRange("--retention-bytes-per-workspace-max", retentionBytesPerWorkspaceMax, .totalBytes)
    try checkRange("--consumer-backlog-events-max", consumerBacklogEventsMax, .events)
    try checkRange("--consumer-backlog-bytes-max", consumerBacklogBytesMax, .totalBytes)
    try checkRange("--message-id-window", messageIdWindow, .timerSeconds)
  }

  /// - Parameter clock: the broker's.
  /// - Returns: nil for the memory.
  /// - Throws: ``CommandFailure`` that says why the file cannot be used.
  func openFile(_ logger: Logger, _ clock: BrokerClock) throws -> SQLiteJournal? {
    guard journal == .sqlite else { return nil }
    var configuration = SQLiteJournalConfiguration(directory: data)
    configuration.durability = durability
    configuration.retentionSeconds = retentionSeconds
    configuration.retentionEventsPerWorkspaceMax = retentionEventsPerWorkspaceMax
    configuration.retentionBytesPerWorkspaceMax = Int64(retentionBytesPerWorkspaceMax)
    configuration.consumerBacklogEventsMax = consumerBacklogEventsMax
    configuration.consumerBacklogBytesMax = Int64(consumerBacklogBytesMax)
    configuration.messageIDWindowSeconds = Int64(messageIdWindow)
    do {
      return try SQLiteJournal(configuration, logger: logger) { clock.milliseconds }
    } catch {
      throw CommandFailure("\(error)")
    }
  }
}

extension SQLiteJournalConfiguration.Durability: ExpressibleByArgument {}
