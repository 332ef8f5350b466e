import CasebusJournal
import CasebusProtocol
import GRDB
import Synchronization

/// The one thread that writes: takes what was appended while it was busy and commits it together.
///
/// `@unchecked Sendable`: `table` is used on the writer queue of the pool only; everything else is a constant or behind a
/// lock.
final class JournalWriter: @unchecked Sendable {
  typealias Outcome = Result<JournalCommit, JournalError>

  private let pool: DatabasePool
  private let health: HealthRecord
  private let checkpoints: Checkpoints
  private let holds: StreamHolds
  private let workspacesMax: Int64
  private let queue = Mutex(Queue())
  private var table: StreamTable?
  /// So that no commit takes so long that those who wait notice.
  private static var recordsPerCommitMax: Int { 8192 }

  init(
    _ pool: DatabasePool, health: HealthRecord, checkpoints: Checkpoints, holds: StreamHolds, workspacesMax: Int64
  ) {
    self.pool = pool
    self.holds = holds
    self.workspacesMax = workspacesMax
    self.health = health
    self.checkpoints = checkpoints
  }

  /// What waits to be done, in order, and what was done.
  private struct Queue {
    var jobs: [Job] = []
    var statistics = JournalStatistics(health: .available)
    var isRunning = false
    var isClosed = false
  }

  private struct Append {
    var batch: JournalBatch
    var completion: @Sendable (Outcome) -> Void
  }

  private enum Job: Sendable {
    case append(Append)
    case transaction(@Sendable (Database) throws -> Void, @Sendable (Result<Void, any Error>) -> Void)
    case forget(WorkspaceID)
    case free([ClosedRange<Int64>])
  }

  // MARK: - Any thread

  /// But for what the writer does not know: the health and the checkpoints.
  var statistics: JournalStatistics { queue.withLock { $0.statistics } }

  func append(_ batch: JournalBatch, completion: @escaping @Sendable (Outcome) -> Void) {
    let isAccepted = submit(.append(Append(batch: batch, completion: completion)), batches: 1)
    if !isAccepted { completion(.failure(.closed)) }
  }

  /// Runs a transaction of its own after all that was appended before.
  func transaction(_ body: @escaping @Sendable (Database) throws -> Void) async throws {
    try await withCheckedThrowingContinuation { continuation in
      let isAccepted = submit(.transaction(body) { continuation.resume(with: $0) })
      if !isAccepted { continuation.resume(throwing: JournalError.closed) }
    }
  }

  /// Forgets a stream after all that was appended before.
  func forget(_ workspace: WorkspaceID) {
    _ = submit(.forget(workspace))
  }

  /// These numbers of workspaces were free when a sweep looked.
  func set(free numbers: [ClosedRange<Int64>]) {
    _ = submit(.free(numbers))
  }

  /// Takes nothing more; what was taken is done before this returns.
  func close() {
    queue.withLock { $0.isClosed = true }
    pool.writeWithoutTransaction { _ in table = nil }
  }

  /// - Returns: false if the journal is closed; then the job is not done.
  private func submit(_ job: Job, batches: Int = 0) -> Bool {
    let (isAccepted, isFirst) = queue.withLock { queue in
      guard !queue.isClosed else { return (false, false) }
      queue.jobs.append(job)
      queue.statistics.pendingBatches += batches
      defer { queue.isRunning = true }
      return (true, !queue.isRunning)
    }
    if isFirst { pool.asyncWriteWithoutTransaction { self.run($0) } }
    return isAccepted
  }

  // MARK: - The writer's queue

  private func run(_ db: Database) {
    while let jobs = nextJobs() {
      var group: [Append] = []
      var records = 0
      for job in jobs {
        if case .append(let append) = job {
          group.append(append)
          records += append.batch.recordCount
          if records < Self.recordsPerCommitMax { continue }
        }
        commit(group, db)
        (group, records) = ([], 0)
        run(job, db)
      }
      commit(group, db)
    }
  }

  private func nextJobs() -> [Job]? {
    queue.withLock { queue in
      defer { queue.jobs = [] }
      queue.isRunning = !queue.jobs.isEmpty
      return queue.isRunning ? queue.jobs : nil
    }
  }

  private func run(_ job: Job, _ db: Database) {
    switch job {
    case .append: break
    case .forget(let workspace): table?.forget(workspace)
    case .free(let numbers): table?.set(free: numbers)
    case .transaction(let body, let completion):
      completion(
        Result {
          try transact(db) { try body(db) }
        })
    }
  }

  private func commit(_ group: [Append], _ db: Database) {
    guard !group.isEmpty else { return }
    let (results, transaction) = write(group, db)
    count(results, transaction)
    for (append, result) in zip(group, results) { append.completion(result) }
    checkpoints.committed(db)
  }

  /// What was committed together.
  private struct Committed {
    var transaction: JournalStatistics.Transaction
    var bytes: Int
  }

  private func count(_ results: [Outcome], _ committed: Committed?) {
    queue.withLock { queue in
      queue.statistics.pendingBatches -= results.count
      for result in results { queue.statistics.count(result) }
      guard let committed else { return }
      queue.statistics.committedRecords += committed.transaction.records
      queue.statistics.committedBytes += committed.bytes
      queue.statistics.lastTransaction = committed.transaction
    }
  }

  /// One transaction for all of them; that a part does not fit is none of the others' business.
  private func write(_ group: [Append], _ db: Database) -> ([Outcome], Committed?) {
    if case .unavailable(let reason) = health.value { return (group.map { _ in .failure(.unavailable(reason)) }, nil) }
    do {
      return try transact(group, db)
    } catch {
      overwriteLog(db)
      let reason = health.failed(error)
      return (group.map { _ in .failure(.unavailable(reason)) }, nil)
    }
  }

  /// A part that SQLite refuses is left out, and the others are tried again.
  private func transact(_ group: [Append], _ db: Database) throws -> ([Outcome], Committed) {
    var refused = [[WorkspaceID: JournalError]](repeating: [:], count: group.count)
    while true {
      var index = 0
      let start = ContinuousClock.now
      var written = start
      do {
        let (results, counts) = try transact(db) {
          let table = try table(db)
          table.written = StreamTable.Counts()
          let results = try group.indices.map {
            index = $0
            return try table.append(group[index].batch, but: refused[index])
          }
          written = .now
          return (results, table.written)
        }
        let end = ContinuousClock.now
        let transaction = JournalStatistics.Transaction(
          batches: group.count, records: counts.records, duration: end - start, commitDuration: end - written)
        return (results, Committed(transaction: transaction, bytes: counts.bytes))
      } catch let error as PartError {
        refused[index][error.workspace] = error.reason
      }
    }
  }

  /// Where a commit failed because its fsync did, all of it may be in the log, and whoever opens the file after a crash
  /// would take it for committed, though we are about to say that it is not. Another transaction, whether it succeeds
  /// or not, is written over its beginning, and with that its checksums are wrong (https://www.sqlite.org/walformat.html).
  private func overwriteLog(_ db: Database) {
    try? transact(db) {
      try db.execute(sql: "INSERT OR REPLACE INTO meta(key, value) VALUES('failed', datetime('now'))")
    }
  }

  /// After an error nothing that was learned in the transaction may be believed.
  private func transact<Value>(_ db: Database, _ body: () throws -> Value) throws -> Value {
    do {
      try db.beginTransaction(.immediate)
      let value = try body()
      try db.commit()
      return value
    } catch {
      table?.forget()
      try? db.rollback()
      throw error
    }
  }

  private func table(_ db: Database) throws -> StreamTable {
    if let table { return table }
    let table = try StreamTable(db, holds: holds, workspacesMax: workspacesMax)
    self.table = table
    return table
  }
}

extension JournalError {
  static var closed: JournalError { .unavailable("the journal is closed") }
}

extension JournalBatch {
  fileprivate var recordCount: Int {
    parts.values.reduce(1) { $0 + $1.records.count + $1.receipts.count }
  }
}
