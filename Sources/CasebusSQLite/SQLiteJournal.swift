package import CasebusJournal
package import CasebusProtocol
import GRDB
package import Logging

/// A journal in a directory of its own, in SQLite: one thread writes, several read (Docs/decisions/0008). It must be
/// shut down before it is released.
package final class SQLiteJournal: EventJournal {
  /// The path of the files, for people.
  package let file: String
  private let configuration: SQLiteJournalConfiguration
  private let lock: JournalLock
  private let epoch: String
  let pool: DatabasePool
  private let writer: JournalWriter
  private let checkpoints: Checkpoints
  private let healthRecord: HealthRecord
  private let holds = StreamHolds()
  let retention: Retention
  private let upkeep: Upkeep

  /// Opens the journal of a directory, or creates one.
  /// - Parameter now: the time, milliseconds since 1970, of the clock that gives the records their times.
  /// - Throws: ``JournalFileError``; then the files are unchanged, except for access rights that were too wide.
  package init(
    _ configuration: SQLiteJournalConfiguration, logger: Logger, now: @escaping @Sendable () -> Int64
  ) throws(JournalFileError) {
    let files = JournalFiles(directory: configuration.directory)
    file = files.database
    self.configuration = configuration
    try files.makeDirectory()
    lock = try JournalLock(files.lock)
    try files.makeDatabase()
    try files.protectDatabase()
    try files.checkHeader()
    try JournalSchema.check(files.database)
    do {
      pool = try DatabasePool(files, configuration)
      epoch = try pool.begin(JournalRun(configuration.durability))
      try pool.writeWithoutTransaction { try Retention.limitReceipts($0, to: now()) }
      checkpoints = try Checkpoints(files.database)
    } catch {
      throw JournalFileError(error, at: files.database)
    }
    healthRecord = HealthRecord(file: files.database, logger: logger)
    writer = JournalWriter(
      pool, health: healthRecord, checkpoints: checkpoints, holds: holds, workspacesMax: configuration.workspacesMax)
    retention = Retention(pool: pool, writer: writer, holds: holds, configuration: configuration, logger: logger)
    upkeep = Upkeep(
      retention, every: configuration.pruneIntervalSeconds, now: now,
      Probe(files: files, writer: writer, health: healthRecord),
      every: configuration.probeMilliseconds)
    pool.writeWithoutTransaction(checkpoints.follow)
  }

  package var health: JournalHealth { healthRecord.value }

  package var statistics: JournalStatistics {
    var statistics = writer.statistics
    statistics.health = health
    statistics.lastCheckpoint = checkpoints.last
    return statistics
  }

  package func append(
    _ batch: JournalBatch, completion: @escaping @Sendable (Result<JournalCommit, JournalError>) -> Void
  ) {
    writer.append(batch, completion: completion)
  }

  package func open(
    _ workspace: WorkspaceID, completion: @escaping @Sendable (Result<JournalStream, JournalError>) -> Void
  ) {
    holds.open(workspace) { [self] in
      read(completion) { [epoch, holds, configuration] db in
        let (stream, opened) = try JournalReader(db).stream(
          workspace, epoch: epoch, receiptsMax: configuration.messageIDsPerWorkspaceMax)
        holds.opened(workspace, opened)
        return stream
      }
    }
  }

  package func replay(_ workspace: WorkspaceID, after offset: JournalOffset) throws(JournalError) -> any JournalReplay {
    let replay = SQLiteReplay(workspace: workspace, after: offset, journal: self, holds: holds)
    if let pruned = replay.pruned, pruned > offset { throw .pruned(first: pruned + 1) }
    return replay
  }

  package func close(_ workspace: WorkspaceID) {
    holds.close(workspace)
    writer.forget(workspace)
  }

  package func workspacesWithDeadline(
    completion: @escaping @Sendable (Result<[WorkspaceID], JournalError>) -> Void
  ) {
    read(completion) { try JournalReader($0).workspacesWithDeadline() }
  }

  package func consumers(completion: @escaping @Sendable (Result<[JournalConsumer], JournalError>) -> Void) {
    read(completion) { try JournalReader($0).consumers() }
  }

  package func backlogs(
    of consumers: [JournalConsumer.Key],
    completion: @escaping @Sendable (Result<[JournalConsumer.Key: [JournalBacklog]], JournalError>) -> Void
  ) {
    read(completion) { database in
      let reader = JournalReader(database)
      var backlogs: [JournalConsumer.Key: [JournalBacklog]] = [:]
      for key in consumers { backlogs[key] = try reader.backlog(of: key) }
      return backlogs
    }
  }

  /// Shuts the journal down: earlier appends are committed first, later ones fail. Not to be called by a completion.
  package func shutDown() {
    upkeep.cancel()
    writer.close()
    try? pool.write(JournalRun.end)
    try? pool.close()
    // The last connection that writes: SQLite moves the log into the database and removes it.
    checkpoints.close()
    lock.release()
  }

  /// Reads on another thread, from one state of the database.
  func read<Value: Sendable>(
    _ completion: @escaping @Sendable (Result<Value, JournalError>) -> Void,
    _ body: @escaping @Sendable (Database) throws -> Value
  ) {
    pool.asyncRead { [healthRecord] result in
      completion(Result { try body(result.get()) }.mapError(healthRecord.readFailed))
    }
  }
}
