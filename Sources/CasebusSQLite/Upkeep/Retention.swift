import CasebusJournal
import CasebusProtocol
import GRDB
import Logging

/// Deletes what is too old or too much, in transactions so small that they hardly delay appends.
struct Retention: Sendable {
  let pool: DatabasePool
  let writer: JournalWriter
  let holds: StreamHolds
  let configuration: SQLiteJournalConfiguration
  let logger: Logger

  /// Records of one transaction: about 2 milliseconds.
  private static var recordsPerStep: JournalOffset { 1000 }
  private static var receiptsPerStep: Int { 4000 }
  private static var workspacesPerRead: Int { 256 }
  /// This many free numbers are enough until the next sweep.
  private static var freeNumbersMax: Int { 10_000 }

  private var forgetting: Forgetting { Forgetting(pool: pool, writer: writer, holds: holds) }

  /// Goes through all workspaces once.
  /// - Parameter now: milliseconds since 1970.
  func sweep(now: Int64) async {
    do {
      try await pruneReceipts(decidedBefore: configuration.messageIDWindowStart(at: now))
      var last: Int64 = 0
      var free: [ClosedRange<Int64>] = []
      while let plan = try await plan(after: last, now: now) {
        for cut in plan.cuts { await pruneOrReport(cut) }
        let forgotten = try await forgetting.run(after: last, through: plan.last)
        last = plan.last
        guard free.count < Self.freeNumbersMax else { continue }
        free += plan.gaps + forgotten.map { $0...$0 }
        if free.count >= Self.freeNumbersMax { writer.set(free: free) }
      }
      if free.count < Self.freeNumbersMax { writer.set(free: free) }
    } catch {
      report(error)
    }
  }

  /// A workspace that cannot be pruned does not stop the others.
  private func pruneOrReport(_ cut: PrunePlan.Cut) async {
    do {
      try await prune(cut)
    } catch {
      report(error)
    }
  }

  private func report(_ error: any Error) {
    // The journal is being closed.
    guard !Task.isCancelled else { return }
    logger.warning("what is too old could not be deleted from the journal, it will be tried again: \(error)")
  }

  private func plan(after workspace: Int64, now: Int64) async throws -> PrunePlan? {
    try await pool.read { [configuration] db in
      try PrunePlan(db, after: workspace, limit: Self.workspacesPerRead, now: now, configuration)
    }
  }

  private func prune(_ cut: PrunePlan.Cut) async throws {
    for lost in cut.lost { report(lost, cut) }
    var start = cut.pruned
    while start < cut.offset {
      let target = min(cut.offset, start + Self.recordsPerStep)
      try await writer.transaction { [holds] db in
        try Self.delete(cut, upTo: holds.prune(cut.workspace, upTo: target), db)
      }
      start = target
    }
  }

  /// If the transaction fails, the records still exist but are never read; the next sweep deletes them.
  private static func delete(_ cut: PrunePlan.Cut, upTo offset: JournalOffset, _ db: Database) throws {
    let end = Int64(offset)
    try db.cachedStatement(sql: "DELETE FROM events WHERE id > ? AND id <= ?")
      .execute(arguments: [RecordID.make(cut.id, 0), RecordID.make(cut.id, offset)])
    try db.cachedStatement(sql: "DELETE FROM parked WHERE workspace = ? AND offset <= ?")
      .execute(arguments: [cut.id, end])
    try db.cachedStatement(sql: "UPDATE workspaces SET pruned = max(pruned, ?) WHERE id = ?")
      .execute(arguments: [end, cut.id])
  }

  /// They are in the order of their decisions, so the oldest come first.
  private func pruneReceipts(decidedBefore time: Int64) async throws {
    while let oldest = try await oldestReceipt(), oldest < time {
      try await writer.transaction { db in
        try db.execute(
          sql: "DELETE FROM receipts WHERE id IN (SELECT id FROM receipts ORDER BY id LIMIT ?) AND time < ?",
          arguments: [Self.receiptsPerStep, time])
      }
    }
  }

  /// The wall clock can be set back while no broker runs: then answers of the future are remembered no longer than
  /// those of now. While a broker runs, its clock does not go back, so checking the newest answer is enough.
  static func limitReceipts(_ db: Database, to now: Int64) throws {
    let newest = try Int64.fetchOne(db, sql: "SELECT time FROM receipts ORDER BY id DESC LIMIT 1")
    guard let newest, newest > now else { return }
    try db.execute(sql: "UPDATE receipts SET time = ? WHERE time > ?", arguments: [now, now])
  }

  private func oldestReceipt() async throws -> Int64? {
    try await pool.read { try Int64.fetchOne($0, sql: "SELECT time FROM receipts ORDER BY id LIMIT 1") }
  }

  private func report(_ lost: PrunePlan.Lost, _ cut: PrunePlan.Cut) {
    logger.warning(
      "a durable consumer is too far behind: events that it has not acknowledged are no longer kept",
      metadata: [
        "consumer": "\(lost.consumer)", "workspace": "\(cut.workspace)", "from": "\(lost.position + 1)",
        "to": "\(cut.offset)",
      ])
  }
}
