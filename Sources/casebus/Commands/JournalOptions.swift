public import ArgumentParser
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

  @Option(help: ArgumentHelp("How long events are kept, seconds.", valueName: "seconds"))
  var retentionSeconds: Int64 = 604_800

  @Option(help: ArgumentHelp("How many events of a workspace are kept.", valueName: "count"))
  var retentionEventsPerWorkspaceMax: UInt64 = 100_000

  @Option(help: ArgumentHelp("How many bytes of events of a workspace are kept.", valueName: "bytes"))
  var retentionBytesPerWorkspaceMax: Int64 = 256 << 20

  @Option(
    help: ArgumentHelp("How many events are kept for a durable consumer that is behind.", valueName: "count"))
  var consumerBacklogEventsMax: UInt64 = 1_000_000

  @Option(
    help: ArgumentHelp("How many bytes of events are kept for a durable consumer that is behind.", valueName: "bytes"))
  var consumerBacklogBytesMax: Int64 = 1 << 30

  @Option(help: ArgumentHelp("How long a message that is sent again is known, seconds.", valueName: "seconds"))
  var messageIdWindow = 120

  static let defaultDirectory = "./casebus-data"

  func validate() throws {
    guard !data.isEmpty else { throw ValidationError("--data is empty, expected a directory") }
    try ServerOptions.checkPositive("--retention-seconds", retentionSeconds)
    try ServerOptions.checkPositive(
      "--retention-events-per-workspace-max", Int64(clamping: retentionEventsPerWorkspaceMax))
    try ServerOptions.checkPositive("--retention-bytes-per-workspace-max", retentionBytesPerWorkspaceMax)
    try ServerOptions.checkPositive("--consumer-backlog-events-max", Int64(clamping: consumerBacklogEventsMax))
    try ServerOptions.checkPositive("--consumer-backlog-bytes-max", consumerBacklogBytesMax)
    try ServerOptions.checkPositive("--message-id-window", Int64(messageIdWindow))
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
    configuration.retentionBytesPerWorkspaceMax = retentionBytesPerWorkspaceMax
    configuration.consumerBacklogEventsMax = consumerBacklogEventsMax
    configuration.consumerBacklogBytesMax = consumerBacklogBytesMax
    configuration.messageIDWindowSeconds = Int64(messageIdWindow)
    do {
      return try SQLiteJournal(configuration, logger: logger) { clock.milliseconds }
    } catch {
      throw CommandFailure("\(error)")
    }
  }
}

extension SQLiteJournalConfiguration.Durability: ExpressibleByArgument {}
