import CasebusJournal
import CasebusProtocol
import GRDB
import NIOCore
import Synchronization
import Testing

@testable import CasebusSQLite

/// What is deleted when, and what never.
@Suite(.timeLimit(.minutes(5))) struct SQLiteRetentionTests {
  private let directory = TestDirectory()
  private static let day: Int64 = 86_400_000

  /// The first record of the workspace that is still there.
  private func first(of workspace: WorkspaceID, in journal: SQLiteJournal) async throws -> JournalOffset {
    for offset in JournalOffset(0)... {
      if let records = try? await journal.read(workspace, after: offset, limit: 1) {
        return records.first?.offset ?? offset + 1
      }
    }
    fatalError()
  }

  /// Appends records of one time, and a snapshot after them.
  private func append(
    _ count: JournalOffset, time: Int64 = 0, snapshot: Bool = true, to journal: SQLiteJournal,
    _ workspace: WorkspaceID = .a
  ) async throws {
    let last = try await journal.open(workspace).last
    try await journal.append(to: workspace, after: last) {
      $0.records = JournalRecord.range((last + 1)...(last + count), time: time)
      if snapshot { $0.snapshot = JournalSnapshot(offset: last + count, state: ByteBuffer(string: "{}")) }
    }
  }

  @Test func theOldestGoWhenThereAreTooMany() async throws {
    let journal = try directory.open()
    try await append(100, to: journal)
    try await append(60, to: journal, .b)
    await journal.retention.sweep(now: 0)
    #expect(try await first(of: .a, in: journal) == 1)
    try await append(3500, to: journal)
    await journal.retention.sweep(now: 0)
    #expect(try await first(of: .a, in: journal) == 3501)
    #expect(try await first(of: .b, in: journal) == 1)
    #expect(try await journal.open(.a).last == 3600)
    journal.shutDown()
  }

  /// The bytes of a record: its event's name, its data, its detail.
  private static let bytes = JournalRecord.range(1...100).reduce(0) { $0 + Int64($1.storedBytes) }

  @Test(arguments: [1, 2, 50, 99, 100] as [JournalOffset])
  func theOldestGoWhenTheyAreTooLong(_ kept: JournalOffset) async throws {
    let records = JournalRecord.range(1...100)
    let bytesMax = records.suffix(Int(kept)).reduce(0) { $0 + Int64($1.storedBytes) }
    let journal = try directory.open { $0.retentionBytesPerWorkspaceMax = bytesMax }
    try await append(100, to: journal)
    await journal.retention.sweep(now: 0)
    #expect(try await first(of: .a, in: journal) == 101 - kept)
    journal.close(.a)
    try await append(1, to: journal)
    await journal.retention.sweep(now: 0)
    #expect(try await first(of: .a, in: journal) >= 102 - kept)
    journal.shutDown()
  }

  @Test func oneByteTooManyIsTooMany() async throws {
    let journal = try directory.open { $0.retentionBytesPerWorkspaceMax = Self.bytes - 1 }
    try await append(100, to: journal)
    await journal.retention.sweep(now: 0)
    #expect(try await first(of: .a, in: journal) == 2)
    journal.shutDown()
  }

  /// What an older version wrote has no sizes and counts as nothing.
  @Test func recordsOfOlderFilesGoByAgeAndNumberOnly() async throws {
    let journal = try directory.open { $0.retentionBytesPerWorkspaceMax = Self.bytes / 2 }
    try await append(90, to: journal)
    try await journal.pool.write { try $0.execute(sql: "UPDATE events SET total = NULL") }
    journal.close(.a)
    await journal.retention.sweep(now: 0)
    #expect(try await first(of: .a, in: journal) == 1)
    try await append(10, to: journal)
    await journal.retention.sweep(now: 0)
    #expect(try await first(of: .a, in: journal) == 1)
    try await append(80, to: journal)
    await journal.retention.sweep(now: 0)
    #expect(try await first(of: .a, in: journal) > 90)
    journal.shutDown()
  }

  @Test func aConsumerThatHasTooManyBytesToDoIsMovedOn() async throws {
    let consumer = ConsumerConformanceTests.here
    let journal = try directory.open {
      $0.retentionBytesPerWorkspaceMax = 1
      $0.consumerBacklogBytesMax = Self.bytes
    }
    try await journal.change(.make(consumer, .beginning))
    try await append(100, to: journal)
    await journal.retention.sweep(now: 0)
    #expect(try await journal.backlog(of: consumer.key)[0].position == 0)
    try await append(1, to: journal)
    await journal.retention.sweep(now: 0)
    #expect((1...2).contains(try await journal.backlog(of: consumer.key)[0].position))
    journal.shutDown()
  }

  @Test func oneWorkspaceThatCannotBePrunedDoesNotKeepTheOthersFromIt() async throws {
    let journal = try directory.open()
    for workspace in [WorkspaceID.a, .b] { try await append(200, to: journal, workspace) }
    try await journal.pool.write {
      try $0.execute(
        sql: "CREATE TRIGGER way BEFORE DELETE ON events WHEN OLD.id >> 40 = 1 BEGIN SELECT RAISE(ABORT, 'no'); END")
    }
    await journal.retention.sweep(now: 0)
    let kept = try await journal.pool.read {
      try Int.fetchAll($0, sql: "SELECT count(*) FROM events GROUP BY id >> 40 ORDER BY id >> 40")
    }
    #expect(kept == [200, 100])
    journal.shutDown()
  }

  @Test func retentionOfAnyLengthIsNoOverflow() async throws {
    let journal = try directory.open {
      $0.retentionSeconds = .max
      $0.messageIDWindowSeconds = .max
    }
    try await append(10, to: journal)
    await journal.retention.sweep(now: 99 * Self.day)
    #expect(try await first(of: .a, in: journal) == 1)
    journal.shutDown()
  }

  /// The clock was a day ahead when these answers were given, and was set right while no broker ran.
  @Test func answersOfTheFutureAreKeptNoLongerThanTheirWindow() async throws {
    let start = directory.now.load(ordering: .relaxed)
    let journal = try directory.open()
    try await journal.append(to: .a, after: 0) {
      $0.records = JournalRecord.range(1...1)
      $0.receipts = [JournalReceipt(messageID: "m", time: start + Self.day, offset: 1, failure: nil)]
    }
    journal.shutDown()
    let reopened = try directory.open()
    #expect(try await reopened.open(.a).receipts.map(\.time) == [start])
    await reopened.retention.sweep(now: start + 120_000)
    #expect(try await reopened.open(.a).receipts.count == 1)
    await reopened.retention.sweep(now: start + 120_001)
    #expect(try await reopened.open(.a).receipts.isEmpty)
    reopened.shutDown()
  }

  @Test func theOldGo() async throws {
    let journal = try directory.open { $0.retentionSeconds = 86_400 }
    try await append(10, time: 0, to: journal)
    try await append(10, time: Self.day, to: journal)
    await journal.retention.sweep(now: Self.day)
    #expect(try await first(of: .a, in: journal) == 1)
    await journal.retention.sweep(now: Self.day + 1)
    #expect(try await first(of: .a, in: journal) == 11)
    await journal.retention.sweep(now: 9 * Self.day)
    #expect(try await first(of: .a, in: journal) == 21)
    journal.shutDown()
    let reopened = try directory.open()
    let stream = try await reopened.open(.a)
    #expect(stream.last == 20 && stream.snapshot?.offset == 20 && stream.records.isEmpty)
    try await reopened.append([.a: JournalRecord.range(21...21)])
    #expect(try await reopened.open(.a).records.map(\.offset) == [21])
    reopened.shutDown()
  }

  @Test func whatTheStateIsMadeFromStays() async throws {
    let journal = try directory.open()
    try await append(150, snapshot: false, to: journal)
    await journal.retention.sweep(now: 99 * Self.day)
    #expect(try await first(of: .a, in: journal) == 1)
    try await append(1, to: journal)
    try await append(150, snapshot: false, to: journal)
    await journal.retention.sweep(now: 99 * Self.day)
    #expect(try await first(of: .a, in: journal) == 152)
    #expect(try await journal.open(.a).records.map(\.offset) == Array(152...301))
    journal.shutDown()
  }

  @Test(arguments: [ConsumerConformanceTests.everywhere, ConsumerConformanceTests.here])
  func whatAConsumerNeedsStays(_ consumer: JournalConsumer) async throws {
    let journal = try directory.open()
    try await append(200, to: journal)
    try await append(200, to: journal, .b)
    try await journal.change(.make(consumer, .beginning))
    await journal.retention.sweep(now: 0)
    #expect(try await first(of: .a, in: journal) == 1)
    #expect(try await first(of: .b, in: journal) == (consumer.key.workspace == nil ? 1 : 101))
    try await journal.append(to: .a, after: 200) {
      $0.positions = [JournalPosition(consumer: consumer.key, offset: 30)]
    }
    await journal.retention.sweep(now: 0)
    #expect(try await first(of: .a, in: journal) == 31)
    try await journal.change(.delete(consumer.key))
    await journal.retention.sweep(now: 0)
    #expect(try await first(of: .a, in: journal) == 101)
    journal.shutDown()
  }

  @Test func aConsumerThatIsTooFarBehindIsMovedOn() async throws {
    let consumer = ConsumerConformanceTests.here
    let journal = try directory.open { $0.consumerBacklogEventsMax = 500 }
    try await append(10, to: journal)
    try await journal.change(.make(consumer, .beginning))
    try await append(690, to: journal)
    await journal.retention.sweep(now: 0)
    #expect(
      try await journal.backlog(of: consumer.key) == [
        JournalBacklog(workspace: .a, position: 200, last: 700, first: 201)
      ])
    journal.shutDown()
  }

  @Test func parkedRecordsGoWithTheirEvents() async throws {
    let consumer = ConsumerConformanceTests.here
    let journal = try directory.open()
    try await append(200, to: journal)
    try await journal.change(.make(consumer, .beginning))
    let parked = [50, 150].map { ParkedRecord(offset: $0, deliveries: 5, time: 0) }
    try await journal.append(to: .a, after: 200) {
      $0.positions = [JournalPosition(consumer: consumer.key, offset: 200, parked: parked)]
    }
    await journal.retention.sweep(now: 0)
    #expect(try await journal.backlog(of: consumer.key)[0].parked.map(\.offset) == [150])
    journal.shutDown()
  }

  @Test func aClosedWorkspaceIsPrunedToo() async throws {
    let journal = try directory.open()
    try await append(200, to: journal)
    let replay = try journal.replay(.a, after: 20)
    journal.close(.a)
    await journal.retention.sweep(now: 0)
    #expect(try await replay.read(after: 20).count == 180)
    #expect(throws: JournalError.pruned(first: 21)) { try journal.replay(.a, after: 19) }
    withExtendedLifetime(replay) {}
    journal.shutDown()
  }

  /// The only reader is busy: opening a replay does not need one, whether the workspace is open or not.
  @Test(arguments: [false, true]) func openingAReplayDoesNotWaitForTheDisk(_ isOpen: Bool) async throws {
    let journal = try directory.open { $0.readersMax = 1 }
    try await append(200, to: journal)
    if !isOpen { journal.close(.a) }
    let gate = Gate()
    let passed = AsyncStream<Bool>.makeStream()
    journal.pool.asyncRead { _ in passed.continuation.yield(gate.pass()) }
    await gate.isReached()
    let replay = try journal.replay(.a, after: 20)
    gate.open()
    for await wasOpened in passed.stream.prefix(1) {
      #expect(wasOpened, "the replay was there only after the reader was free")
    }
    await journal.retention.sweep(now: 0)
    #expect(try await replay.read(after: 20) == JournalRecord.range(21...200))
    journal.shutDown()
  }

  /// Nobody knows yet what is gone of a workspace that is not open: the first read finds out.
  @Test func aReplayOfAWorkspaceThatIsNotOpenSaysWithItsFirstReadThatRecordsAreGone() async throws {
    var journal = try directory.open()
    try await append(200, to: journal)
    await journal.retention.sweep(now: 0)
    journal.shutDown()
    journal = try directory.open()
    let replay = try journal.replay(.a, after: 20)
    await #expect(throws: JournalError.pruned(first: 101)) { try await replay.read(after: 20) }
    _ = try await journal.open(.a)
    #expect(throws: JournalError.pruned(first: 101)) { try journal.replay(.a, after: 20) }
    #expect(try await journal.replay(.a, after: 100).read(after: 100) == JournalRecord.range(101...200))
    journal.shutDown()
  }

  @Test func receiptsGoAfterTheirWindow() async throws {
    let journal = try directory.open()
    for index in 0..<3 {
      try await journal.append(to: .a, after: JournalOffset(index)) {
        $0.records = JournalRecord.range(JournalOffset(index + 1)...JournalOffset(index + 1))
        $0.receipts = (0..<3000).map {
          JournalReceipt(messageID: "\(index)-\($0)", time: Int64(index) * 1000, offset: 1, failure: nil)
        }
      }
    }
    await journal.retention.sweep(now: 122_000)
    #expect(Set(try await journal.open(.a).receipts.map(\.time)) == [2000])
    #expect(try await journal.open(.a).receipts.count == 3000)
    journal.shutDown()
  }

  @Test func theNewestReceiptsAreHandedOut() async throws {
    let journal = try directory.open { $0.messageIDsPerWorkspaceMax = 10 }
    try await journal.append(to: .a, after: 0) {
      $0.records = JournalRecord.range(1...1)
      $0.receipts = (0..<30).map { JournalReceipt(messageID: "\($0)", time: 0, offset: 1, failure: nil) }
    }
    #expect(try await journal.open(.a).receipts.map(\.messageID.text) == (20..<30).map(String.init))
    journal.shutDown()
  }
}
