/// Everything that can be set for a journal on disk. Each value has the default of `Protocol/registry/limits.json`.
package struct SQLiteJournalConfiguration: Sendable {
  /// When a commit counts as one.
  package enum Durability: String, CaseIterable, Sendable {
    /// It is on the disk: survives the machine's end.
    case full
    /// The system has it: survives the broker's end; the newest commits may be lost with the machine.
    case normal
  }

  /// The directory that has the journal's files to itself; made if it is not there.
  package var directory: String
  package var durability = Durability.full
  /// How long records are kept, seconds (`retentionSeconds`).
  package var retentionSeconds: Int64 = 7 * 86_400
  /// How many records of a workspace are kept (`retentionEventsPerWorkspaceMax`).
  package var retentionEventsPerWorkspaceMax: UInt64 = 100_000
  /// How many bytes of records of a workspace are kept (`retentionBytesPerWorkspaceMax`).
  package var retentionBytesPerWorkspaceMax: Int64 = 256 << 20
  /// How many records are kept for a durable consumer that does not acknowledge them (`consumerBacklogEventsMax`).
  package var consumerBacklogEventsMax: UInt64 = 1_000_000
  /// How many bytes of records are kept for a durable consumer that does not acknowledge them (`consumerBacklogBytesMax`).
  package var consumerBacklogBytesMax: Int64 = 1 << 30
  /// How long answers are kept for a retry, seconds (`messageIdWindowSeconds`).
  package var messageIDWindowSeconds: Int64 = 120
  /// How many answers of a workspace are handed out when it is opened, the newest ones (`messageIdsPerWorkspaceMax`).
  package var messageIDsPerWorkspaceMax: UInt64 = 10_000
  /// How often what is too old is looked for, seconds (`pruneIntervalSeconds`).
  package var pruneIntervalSeconds: Int64 = 10
  /// How often a journal that failed is tried again, milliseconds (`journalProbeMilliseconds`).
  package var probeMilliseconds: Int64 = 1000
  /// How many threads read at the same time.
  package var readersMax = 4
  /// How many workspaces are numbered (`journalWorkspacesMax`); less than that only in tests.
  var workspacesMax = RecordID.workspaceMax

  package init(directory: String) {
    self.directory = directory
  }
}

extension SQLiteJournalConfiguration {
  /// The moment before which records are too old, milliseconds since 1970.
  func retentionStart(at now: Int64) -> Int64 { now.subtracting(seconds: retentionSeconds) }
  /// The moment before which answers are too old, milliseconds since 1970.
  func messageIDWindowStart(at now: Int64) -> Int64 { now.subtracting(seconds: messageIDWindowSeconds) }
}

extension Int64 {
  /// A moment long before; the earliest there is rather than an overflow.
  fileprivate func subtracting(seconds: Int64) -> Int64 {
    let (milliseconds, isTooMuch) = seconds.multipliedReportingOverflow(by: 1000)
    let (moment, isTooEarly) = subtractingReportingOverflow(milliseconds)
    return isTooMuch || isTooEarly ? .min : moment
  }
}
