/// What a journal has done since it was opened, and what it is doing.
///
/// The numbers of one value belong together: all of them were read at the same moment, but for ``health`` and
/// ``lastCheckpoint``.
package struct JournalStatistics: Hashable, Sendable {
  package var health: JournalHealth
  /// Batches that were committed, including those of which parts were refused.
  package var committedBatches = 0
  package var committedRecords = 0
  /// ``JournalRecord/storedBytes`` of the committed records.
  package var committedBytes = 0
  /// Batches of which nothing was committed.
  package var failedBatches = 0
  /// Parts that were refused in batches that were committed, including ``conflicts``.
  package var refusedParts = 0
  /// Parts that were refused with ``JournalError/conflict(_:expected:actual:)``.
  package var conflicts = 0
  /// Batches that were appended and are neither committed nor failed.
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
    /// Those of them that are in the database now.
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
  /// Counts a batch of which this became.
  package mutating func count(_ result: Result<JournalCommit, JournalError>) {
    guard case .success(let commit) = result else { return failedBatches += 1 }
    committedBatches += 1
    guard !commit.refused.isEmpty else { return }
    refusedParts += commit.refused.count
    for case .conflict in commit.refused.values { conflicts += 1 }
  }
}
