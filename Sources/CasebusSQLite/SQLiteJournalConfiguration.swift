/// The settings of a journal on disk. The defaults are those of `Protocol/registry/limits.json`.
package struct SQLiteJournalConfiguration: Sendable {
  /// When a commit is complete.
  package enum Durability: String, CaseIterable, Sendable {
    /// When it is on the disk: it survives a crash of the machine.
    case full
    /// When the system has it: it survives a crash of the broker; a crash of the machine can lose the newest commits.
    case normal
  }

  /// The directory of the journal's files, for nothing else; created if it does not exist.
  package var directory: String
  package var durability = Durability.full
  /// How long records are kept, seconds (`retentionSeconds`).
  package var retentionSeconds: Int64 = 7 * 86_400
  /// How many records of a workspace are kept (`retentionEventsPerWorkspaceMax`).
  package var retentionEventsPerWorkspaceMax: UInt64 = 100_000
  /// How many bytes of records of a workspace are kept (`retentionBytesPerWorkspaceMax`).
  package var retentionBytesPerWorkspaceMax: Int64 = 256 << 20
  /// How many unacknowledged records are kept for a durable consumer (`consumerBacklogEventsMax`).
  package var consumerBacklogEventsMax: UInt64 = 1_000_000
  /// How many bytes of unacknowledged records are kept for a durable consumer (`consumerBacklogBytesMax`).
  package var consumerBacklogBytesMax: Int64 = 1 << 30
  /// How long answers are kept for a retry, seconds (`messageIdWindowSeconds`).
  package var messageIDWindowSeconds: Int64 = 120
  /// How many answers of a workspace are returned when it is opened, the newest ones (`messageIdsPerWorkspaceMax`).
  package var messageIDsPerWorkspaceMax: UInt64 = 10_000
  /// How often the journal deletes what is too old, seconds (`pruneIntervalSeconds`).
  package var pruneIntervalSeconds: Int64 = 10
  /// How often a failed journal is tested, milliseconds (`journalProbeMilliseconds`).
  package var probeMilliseconds: Int64 = 1000
  /// The number of reading threads.
  package var readersMax = 4
  /// How many workspaces can have a number (`journalWorkspacesMax`); smaller only in tests.
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
  /// A moment before another one; the earliest possible one instead of an overflow.
  fileprivate func subtracting(seconds: Int64) -> Int64 {
    let (milliseconds, isTooMuch) = seconds.multipliedReportingOverflow(by: 1000)
    let (moment, isTooEarly) = subtractingReportingOverflow(milliseconds)
    return isTooMuch || isTooEarly ? .min : moment
  }
}
