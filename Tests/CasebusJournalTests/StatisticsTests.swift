import CasebusJournal
import CasebusProtocol
import GRDB
import NIOCore
import Testing

@testable import CasebusSQLite

/// What a journal says that it has done.
@Suite(.timeLimit(.minutes(5))) struct StatisticsTests {
  private func part(_ offsets: ClosedRange<JournalOffset>) -> JournalPart {
    var part = JournalPart(expected: offsets.lowerBound - 1)
    part.records = JournalRecord.range(offsets)
    return part
  }

  @Test(arguments: JournalKind.allCases)
  func aNewJournalHasDoneNothing(_ kind: JournalKind) throws {
    let test = try kind.make()
    #expect(test.journal.statistics == JournalStatistics(health: .available))
  }

  @Test(arguments: JournalKind.allCases)
  func whatWasCommittedAndRefusedIsCounted(_ kind: JournalKind) async throws {
    let test = try kind.make()
    try await test.journal.append([.a: JournalRecord.range(1...20), .b: JournalRecord.range(1...3)])
    let conflict = JournalBatch(parts: [.a: part(1...1), .b: part(4...5)])
    await #expect(throws: JournalError.conflict(.a, expected: 0, actual: 20)) {
      try await test.journal.append(conflict)
    }
    var statistics = test.journal.statistics
    statistics.lastTransaction = nil
    var expected = JournalStatistics(health: .available)
    expected.committedBatches = 2
    expected.committedRecords = 25
    expected.committedBytes = (JournalRecord.range(1...20) + JournalRecord.range(1...5)).reduce(0) {
      $0 + $1.storedBytes
    }
    expected.refusedParts = 1
    expected.conflicts = 1
    #expect(statistics == expected)
  }

  @Test func aPartThatSQLiteRefusesIsNoConflictAndCountsNothing() async throws {
    let test = TestJournal(directory: TestDirectory())
    try await (test.journal as! SQLiteJournal).pool.write {
      try $0.execute(
        sql: "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN new.time = 13 BEGIN SELECT raise(ABORT, 'no'); END")
    }
    var refused = JournalPart(expected: 0)
    refused.records = JournalRecord.range(1...9, time: 13)
    let batch = JournalBatch(parts: [.a: refused, .b: part(1...3)])
    await #expect(throws: JournalError.self) { try await test.journal.append(batch) }
    let statistics = test.journal.statistics
    #expect(statistics.committedBatches == 1 && statistics.committedRecords == 3)
    #expect(statistics.committedBytes == JournalRecord.range(1...3).reduce(0) { $0 + $1.storedBytes })
    #expect(statistics.refusedParts == 1 && statistics.conflicts == 0)
    #expect(statistics.lastTransaction?.batches == 1 && statistics.lastTransaction?.records == 3)
  }

  /// While the writer is busy, batches wait for it; then they are one transaction.
  @Test func batchesThatWaitForTheWriterAreOneTransaction() async throws {
    let test = TestJournal(directory: TestDirectory())
    let journal = test.journal as! SQLiteJournal
    let gate = Gate()
    async let writing: Void = journal.pool.writeWithoutTransaction { _ in gate.pass() }
    await gate.isReached()
    let done = AsyncStream<Void>.makeStream()
    for offset in JournalOffset(1)...3 {
      journal.append(JournalBatch(parts: [.a: part(offset...offset)])) { _ in done.continuation.yield() }
    }
    #expect(journal.statistics.pendingBatches == 3 && journal.statistics.committedBatches == 0)
    gate.open()
    try await writing
    for await _ in done.stream.prefix(3) {}
    let statistics = journal.statistics
    #expect(statistics.pendingBatches == 0 && statistics.committedBatches == 3)
    let transaction = try #require(statistics.lastTransaction)
    #expect(transaction.batches == 3 && transaction.records == 3)
    #expect(transaction.commitDuration > .zero && transaction.commitDuration < transaction.duration)
  }

  @Test func aJournalThatFailsCountsFailedBatches() async throws {
    let directory = TestDirectory()
    let journal = try directory.open { $0.probeMilliseconds = 86_400_000 }
    try await journal.pool.write { try $0.execute(sql: "DROP TABLE events") }
    for _ in 0..<2 {
      await #expect(throws: JournalError.self) { try await journal.append([.a: JournalRecord.range(1...2)]) }
    }
    let statistics = journal.statistics
    #expect(statistics.failedBatches == 2 && statistics.committedBatches == 0 && statistics.committedRecords == 0)
    #expect(statistics.health == journal.health && statistics.health != .available)
    journal.shutDown()
  }

  /// 4 MiB of log are copied into the database.
  @Test func aCheckpointIsTold() async throws {
    let directory = TestDirectory()
    let journal = try directory.open()
    #expect(journal.statistics.lastCheckpoint == nil)
    for offset in JournalOffset(1)...6 {
      try await journal.append([.a: [JournalRecord.large(offset, bytes: 1 << 20)]])
    }
    // The writer asks for it after the answer, and the connection of the checkpoints does it.
    journal.shutDown()
    let checkpoint = try #require(journal.statistics.lastCheckpoint)
    #expect(checkpoint.logPages >= 1024 && checkpoint.copiedPages > 0 && checkpoint.duration > .zero)
  }
}
