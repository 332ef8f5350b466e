import ArgumentParser
import CasebusSQLite

/// Where and how a broker keeps its events.
struct JournalOptions: ParsableArguments {
  @Option(help: .key("journal.storage")) var journal: String?
  @Option(help: .key("journal.directory")) var data: String?
  @Option(help: .key("journal.durability")) var durability: String?
  @Option(help: .key("limits.retention-seconds")) var retentionSeconds: String?
  @Option(help: .key("limits.retention-events-per-workspace-max")) var retentionEventsPerWorkspaceMax: String?
  @Option(help: .key("limits.retention-bytes-per-workspace-max")) var retentionBytesPerWorkspaceMax: String?
  @Option(help: .key("limits.consumer-backlog-events-max")) var consumerBacklogEventsMax: String?
  @Option(help: .key("limits.consumer-backlog-bytes-max")) var consumerBacklogBytesMax: String?
  @Option(help: .key("limits.message-id-window-seconds")) var messageIdWindow: String?

  static let defaultDirectory = "./casebus-data"
}
