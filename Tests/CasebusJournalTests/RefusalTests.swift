import CasebusJournal
import CasebusProtocol
import GRDB
import NIOCore
import Testing

@testable import CasebusSQLite

/// What cannot be taken of one workspace is refused, and nothing else.
@Suite(.timeLimit(.minutes(5))) struct RefusalTests {
  private let directory = TestDirectory()

  private func part(_ offsets: ClosedRange<JournalOffset>) -> JournalPart {
    var part = JournalPart(expected: offsets.lowerBound - 1)
    part.records = JournalRecord.range(offsets)
    return part
  }

  private func commit(_ parts: [WorkspaceID: JournalPart], to journal: SQLiteJournal) async throws -> JournalCommit {
    try await withCheckedThrowingContinuation { continuation in
      journal.append(JournalBatch(parts: parts)) { continuation.resume(with: $0.mapError { $0 as any Error }) }
    }
  }

  private func name(_ number: Int) -> WorkspaceID { WorkspaceID("w\(number)")! }

  @Test func workspacesBeyondTheLastNumberAreRefusedAndTheOthersGoOn() async throws {
    let journal = try directory.open { $0.workspacesMax = 3 }
    try await journal.append([
      .a: JournalRecord.range(1...1), .b: JournalRecord.range(1...1), name(0): JournalRecord.range(1...1),
    ])
    for offset in JournalOffset(2)...20 {
      let commit = try await commit([.a: part(offset...offset), name(1): part(1...1)], to: journal)
      #expect(Array(commit.refused.keys) == [name(1)])
      guard case .limitReached(let reason)? = commit.refused[name(1)] else { throw JournalError.closed }
      #expect(reason == "the journal has 3 workspaces, the most that it can number (journalWorkspacesMax)")
    }
    #expect(journal.health == .available)
    #expect(try await journal.open(.a).last == 20)
    journal.shutDown()
  }

  @Test func consumerOfAWorkspaceBeyondTheLastNumberIsNotMade() async throws {
    let journal = try directory.open { $0.workspacesMax = 1 }
    try await journal.append([.b: JournalRecord.range(1...1)])
    await #expect(throws: JournalError.self) {
      try await journal.change(.make(ConsumerConformanceTests.here, .after(0)))
    }
    #expect(try await journal.consumers().isEmpty && journal.health == .available)
    journal.shutDown()
  }

  @Test func offsetsBeyondTheGreatestAreRefusedAndTheOthersGoOn() async throws {
    let journal = try directory.open()
    try await journal.append([.a: JournalRecord.range(1...1), .b: JournalRecord.range(1...1)])
    let last = JournalOffset(RecordID.offsetMax)
    try await journal.pool.write {
      try $0.execute(sql: "UPDATE workspaces SET pruned = \(last - 1) WHERE name = 'a'")
      try $0.execute(sql: "DELETE FROM events WHERE id >> 40 = (SELECT id FROM workspaces WHERE name = 'a')")
    }
    journal.close(.a)
    let commit = try await commit([.a: part(last...(last + 1)), .b: part(2...2)], to: journal)
    #expect(Array(commit.refused.keys) == [.a])
    try await journal.append([.a: JournalRecord.range(last...last)])
    #expect(try await journal.open(.a).last == last)
    #expect(try await journal.open(.b).last == 2)
    #expect(journal.health == .available)
    journal.shutDown()
  }

  /// A row that is in the way, and a value that is too long for SQLite.
  @Test func whatSQLiteRefusesOfOneWorkspaceIsNoneOfTheOthers() async throws {
    let journal = try directory.open { $0.probeMilliseconds = 1_000_000 }
    try await journal.append([.a: JournalRecord.range(1...1), .b: JournalRecord.range(1...1)])
    let number = try await journal.pool.read {
      try Int64.fetchOne($0, sql: "SELECT id FROM workspaces WHERE name = 'a'")!
    }
    try await journal.pool.write { db in
      try db.execute(
        sql: "CREATE TRIGGER way BEFORE INSERT ON events WHEN NEW.id >> 40 = \(number) "
          + "BEGIN SELECT RAISE(ABORT, 'in the way'); END")
    }
    let first = try await commit([.a: part(2...2), .b: part(2...2), name(1): part(1...3)], to: journal)
    #expect(Array(first.refused.keys) == [.a])
    try await journal.pool.write { try $0.execute(sql: "DROP TRIGGER way") }
    let second = try await commit([.a: part(2...2), .b: part(3...3)], to: journal)
    #expect(second.refused.isEmpty && journal.health == .available)
    #expect(try await journal.read(.b, after: 0) == JournalRecord.range(1...3))
    #expect(try await journal.read(.a, after: 0) == JournalRecord.range(1...2))
    journal.shutDown()
  }

  // MARK: - Numbers that are free again

  @Test func freeNumbersAreGivenAgain() async throws {
    let journal = try directory.open { $0.workspacesMax = 4 }
    for number in 0..<4 { try await journal.append([name(number): JournalRecord.range(1...1)]) }
    try await journal.pool.write { db in
      try db.execute(sql: "DELETE FROM events WHERE id >> 40 IN (2, 3); DELETE FROM workspaces WHERE id IN (2, 3)")
    }
    await #expect(throws: JournalError.self) { try await journal.append([name(4): JournalRecord.range(1...1)]) }
    await journal.retention.sweep(now: 0)
    try await journal.append([name(4): JournalRecord.range(1...2)])
    try await journal.append([name(5): JournalRecord.range(1...3)])
    await #expect(throws: JournalError.self) { try await journal.append([name(6): JournalRecord.range(1...1)]) }
    #expect(try await journal.read(name(4), after: 0).count == 2)
    #expect(try await journal.read(name(5), after: 0).count == 3)
    journal.shutDown()
  }
}
