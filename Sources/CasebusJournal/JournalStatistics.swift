/// The counts of a journal since it was opened, and its current state.
///
/// All numbers of one value were read at the same moment, except ``health`` and ``lastCheckpoint``.
package struct JournalStatistics: Hashable, Sendable {
  package var health: JournalHealth
  /// Committed batches, including those with refused parts.
  package var committedBatches = 0
  package var committedRecords = 0
  /// ``JournalRecord/storedBytes`` of the committed records.
  package var committedBytes = 0
  /// Batches of which nothing was committed.
  package var failedBatches = 0
  /// Refused parts of committed batches, including ``conflicts``.
  package var refusedParts = 0
  /// Parts that were refused with ``JournalError/conflict(_:expected:actual:)``.
  package var conflicts = 0
  /// Batches in progress: neither committed nor failed.
  package var pendingBatches = 0
  /// nil if there was none, or if the journal has no transactions.
  package var lastTransaction: Transaction?
  /// nil if there was none, or if the journal has no log.
  package var lastCheckpoint: Checkpoint?

  package init(health: JournalHealth) {
    self.health = health
  }

  /// Batches that became durable together.
  package struct Transaction: Hashable, Sendable {
    package var batches: Int
    package var records: Int
    /// From its begin to the end of its commit.
    package var duration: Duration
    /// The commit alone: writing the log, and its fsync if the journal is durable in full.
    package var commitDuration: Duration

    package init(batches: Int, records: Int, duration: Duration, commitDuration: Duration) {
      self.batches = batches
      self.records = records
      self.duration = duration
      self.commitDuration = commitDuration
    }
  }

  /// Pages of the write-ahead log that were copied into the database.
  package struct Checkpoint: Hashable, Sendable {
    /// The length of the log.
    package var logPages: Int
    /// How many of them are in the database now.
    package var copiedPages: Int
    package var duration: Duration

    package init(logPages: Int, copiedPages: Int, duration: Duration) {
      self.logPages = logPages
      self.copiedPages = copiedPages
      self.duration = duration
    }
  }
}

extension JournalStatistics {
  /// Counts a committed batch.
  package mutating func count(_ result: Result<JournalCommit, JournalError>) {
    guard case .success(let commit) = result else { return failedBatches += 1 }
    committedBatches += 1
    guard !commit.refused.isEmpty else { return }
    refusedParts += commit.refused.count
    for case .conflict in commit.refused.values { conflicts += 1 }
  }
}
