import CasebusJournal
import CasebusProtocol
import GRDB
import NIOCore
import Testing

@testable import CasebusSQLite

/// Workspaces of which nothing is kept lose their rows, and begin anew under another epoch.
@Suite(.timeLimit(.minutes(5))) struct ForgettingTests {
  private let directory = TestDirectory()
  private static let late: Int64 = 1_700_000_000_000 + 30 * 86_400_000

  /// A workspace that nobody has open, with events of long ago and the snapshot after them.
  private func fill(
    _ journal: SQLiteJournal, _ workspace: WorkspaceID = .a, isEmpty: Bool = true,
    _ body: (inout JournalPart) -> Void = { _ in }
  ) async throws {
    try await journal.append(to: workspace, after: 0) {
      $0.records = JournalRecord.range(1...10)
      $0.snapshot = JournalSnapshot(offset: 10, state: ByteBuffer(string: "{}"), isEmpty: isEmpty)
      body(&$0)
    }
    journal.close(workspace)
  }

  private func names(in journal: SQLiteJournal) async throws -> Set<String> {
    try await journal.pool.read { Set(try String.fetchAll($0, sql: "SELECT name FROM workspaces")) }
  }

  private func isForgotten(_ journal: SQLiteJournal) async throws -> Bool {
    await journal.retention.sweep(now: Self.late)
    return try await names(in: journal).isEmpty
  }

  @Test func workspaceOfWhichNothingIsKeptIsForgotten() async throws {
    let journal = try directory.open()
    try await fill(journal)
    await journal.retention.sweep(now: 0)
    #expect(try await names(in: journal) == ["a"])
    #expect(try await isForgotten(journal))
    for table in ["events", "snapshots", "positions", "parked", "receipts"] {
      #expect(
        try await journal.pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") } == 0, "\(table)")
    }
    journal.shutDown()
  }

  @Test func itBeginsAnewUnderAnotherEpoch() async throws {
    let journal = try directory.open()
    try await fill(journal)
    let old = try await journal.open(.a).epoch
    journal.close(.a)
    #expect(try await isForgotten(journal))
    let new = try await journal.open(.a)
    #expect(new.last == 0 && new.snapshot == nil && new.epoch != old)
    try await journal.append([.a: JournalRecord.range(1...3)])
    #expect(try await journal.open(.a).epoch == new.epoch)
    journal.shutDown()
    let reopened = try directory.open()
    #expect(try await reopened.open(.a).epoch == new.epoch)
    reopened.shutDown()
  }

  /// Another workspace was forgotten between the opening and the first event: what sessions were told stays true.
  @Test func anOpenWorkspaceKeepsTheEpochThatItWasOpenedWith() async throws {
    let journal = try directory.open()
    try await fill(journal)
    let epoch = try await journal.open(.b).epoch
    #expect(try await isForgotten(journal))
    try await journal.append([.b: JournalRecord.range(1...1)])
    journal.close(.b)
    #expect(try await journal.open(.b).epoch == epoch)
    journal.shutDown()
  }

  @Test func anOpenWorkspaceIsNotForgotten() async throws {
    let journal = try directory.open()
    try await fill(journal)
    _ = try await journal.open(.a)
    #expect(try await !isForgotten(journal))
    journal.close(.a)
    #expect(try await isForgotten(journal))
    journal.shutDown()
  }

  @Test func stateIsNotForgotten() async throws {
    let journal = try directory.open()
    try await fill(journal, isEmpty: false)
    #expect(try await !isForgotten(journal))
    #expect(try await journal.open(.a).last == 10)
    journal.shutDown()
  }

  @Test func whatIsDueIsNotForgotten() async throws {
    let journal = try directory.open()
    try await fill(journal) { $0.deadline = Self.late + 1_000_000 }
    #expect(try await !isForgotten(journal))
    journal.shutDown()
  }

  @Test func answersAreNotForgotten() async throws {
    let journal = try directory.open()
    try await fill(journal) {
      $0.receipts = [JournalReceipt(messageID: "m", time: Self.late, offset: 10, failure: nil)]
    }
    #expect(try await !isForgotten(journal))
    journal.shutDown()
  }

  /// The broker remembers how far such a consumer is, also while the workspace is not in memory.
  @Test func theWorkspaceOfAConsumerOfItsOwnIsNotForgotten() async throws {
    let journal = try directory.open()
    try await fill(journal)
    try await journal.change(.make(ConsumerConformanceTests.here, .after(10)))
    #expect(try await !isForgotten(journal))
    #expect(try await journal.backlog(of: ConsumerConformanceTests.here.key).map(\.position) == [10])
    try await journal.change(.delete(ConsumerConformanceTests.here.key))
    #expect(try await isForgotten(journal))
    journal.shutDown()
  }

  @Test func aConsumerOfAllBeginsWithTheFirstEventOfTheNewWorkspace() async throws {
    let consumer = ConsumerConformanceTests.everywhere
    let journal = try directory.open()
    try await fill(journal)
    try await journal.change(.make(consumer, .now))
    #expect(try await isForgotten(journal))
    #expect(try await journal.backlog(of: consumer.key) == [])
    try await journal.append([.a: JournalRecord.range(1...2)])
    #expect(
      try await journal.backlog(of: consumer.key) == [JournalBacklog(workspace: .a, position: 0, last: 2, first: 1)])
    journal.shutDown()
  }

  @Test func numbersOfForgottenWorkspacesAreGivenAgain() async throws {
    let journal = try directory.open { $0.workspacesMax = 2 }
    for round in 0..<20 {
      let (one, two) = (WorkspaceID("one\(round)")!, WorkspaceID("two\(round)")!)
      try await fill(journal, one)
      try await fill(journal, two)
      await #expect(throws: JournalError.self) { try await journal.append([.b: JournalRecord.range(1...1)]) }
      #expect(try await isForgotten(journal))
    }
    journal.shutDown()
  }

  /// Workspaces are opened and written to while others are forgotten: nobody loses an event, and no append conflicts.
  @Test func openingWhileForgettingIsNoLoss() async throws {
    let journal = try directory.open()
    let names = (0..<40).map { WorkspaceID("w\($0)")! }
    let sweeps = Task {
      while !Task.isCancelled { await journal.retention.sweep(now: Self.late) }
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for name in names {
        group.addTask {
          for _ in 0..<10 {
            let stream = try await journal.open(name)
            try await journal.append(to: name, after: stream.last) {
              $0.records = JournalRecord.range((stream.last + 1)...(stream.last + 2))
              $0.snapshot = JournalSnapshot(offset: stream.last + 2, state: ByteBuffer(string: "{}"), isEmpty: true)
            }
            let again = try await journal.open(name)
            #expect(again.last == stream.last + 2 && again.epoch == stream.epoch)
            journal.close(name)
          }
        }
      }
      try await group.waitForAll()
    }
    sweeps.cancel()
    await sweeps.value
    journal.shutDown()
  }

  /// A file of the first schema does not tell whether a state is empty; its text does.
  @Test func emptyStatesOfOlderFilesAreKnown() async throws {
    let empty = #"{"interactions":[],"selectedCaseId":null,"expandedCaseIds":[],"blocks":[],"irregularTransitions":0}"#
    let found = try await DatabaseQueue().write { db in
      try db.execute(sql: JournalSchema.migrations[0])
      try db.execute(
        sql: "INSERT INTO snapshots VALUES(1, 5, ?), (2, 5, ?)", arguments: [empty, #"{"interactions":[{}]}"#])
      try db.execute(sql: JournalSchema.migrations[1])
      return try Int.fetchAll(db, sql: "SELECT isEmpty FROM snapshots ORDER BY workspace")
    }
    #expect(found == [1, 0])
  }
}
