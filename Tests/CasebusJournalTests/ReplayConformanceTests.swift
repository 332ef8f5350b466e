import CasebusJournal
import CasebusProtocol
import NIOCore
import Testing

/// What every journal must do: records that are kept, and those that are not.
@Suite(.timeLimit(.minutes(5))) struct ReplayConformanceTests {
  /// A workspace of 150 records, of which 50 may go.
  private func journalOfMany(_ kind: JournalKind) async throws -> TestJournal {
    let test = try kind.make()
    try await test.journal.append([.a: JournalRecord.range(1...80)])
    try await test.journal.append(to: .a, after: 80) {
      $0.records = JournalRecord.range(81...150)
      $0.snapshot = JournalSnapshot(offset: 150, state: ByteBuffer(string: "{}"))
    }
    return test
  }

  @Test(arguments: JournalKind.allCases)
  func oldRecordsArePrunedAndSaidToBe(_ kind: JournalKind) async throws {
    let test = try await journalOfMany(kind)
    await test.prune()
    #expect(try await test.journal.read(.a, after: 50) == JournalRecord.range(51...150))
    await #expect(throws: JournalError.pruned(first: 51)) { try await test.journal.read(.a, after: 49) }
    _ = try await test.journal.open(.a)
    await #expect(throws: JournalError.pruned(first: 51)) { try await test.journal.read(.a, after: 49) }
    #expect(try await test.journal.read(.a, after: 50) == JournalRecord.range(51...150))
  }

  @Test(arguments: JournalKind.allCases)
  func aReplayKeepsItsRecords(_ kind: JournalKind) async throws {
    let test = try kind.make()
    try await test.journal.append([.a: JournalRecord.range(1...80)])
    let stream = try await test.journal.open(.a)
    let replay = try test.journal.replay(.a, after: 10)
    for last in stride(from: JournalOffset(80), to: 400, by: 80) {
      try await test.journal.append(to: .a, after: last) {
        $0.records = JournalRecord.range((last + 1)...(last + 80))
        $0.snapshot = JournalSnapshot(offset: last + 80, state: ByteBuffer(string: "{}"))
      }
      await test.prune()
    }
    let records = try await replay.read(after: 10, limit: 70)
    #expect(stream.last == 80 && records == JournalRecord.range(11...80))
  }

  @Test(arguments: JournalKind.allCases)
  func recordsAreLetGoWithTheReplay(_ kind: JournalKind) async throws {
    let test = try await journalOfMany(kind)
    _ = try await test.journal.open(.a)
    _ = try? test.journal.replay(.a, after: 10)
    await test.prune()
    #expect(throws: JournalError.pruned(first: 51)) { try test.journal.replay(.a, after: 49) }
  }

  /// Nothing is left out and nothing comes twice while others append.
  @Test(arguments: JournalKind.allCases)
  func aStreamIsReadWhileItGrows(_ kind: JournalKind) async throws {
    let test = try kind.make()
    let journal = test.journal
    _ = try await journal.open(.a)
    async let writing: Void = {
      for last in stride(from: JournalOffset(0), to: 400, by: 5) {
        try await journal.append([.a: JournalRecord.range((last + 1)...(last + 5))])
      }
    }()
    var read: [JournalRecord] = []
    while read.count < 90 {
      let last = read.last?.offset ?? 0
      guard let replay = try? journal.replay(.a, after: last) else { break }
      read += try await replay.read(after: last, limit: 7)
    }
    try await writing
    #expect(read.map(\.offset) == Array(1...JournalOffset(max(1, read.count))) || read.isEmpty)
    #expect(kind == .memory || read.count >= 90)
    #expect(try await journal.open(.a).last == 400)
  }

  @Test(arguments: JournalKind.allCases)
  func aReplayFromTheEndIsEmpty(_ kind: JournalKind) async throws {
    let test = try await journalOfMany(kind)
    #expect(try await test.journal.read(.a, after: 150) == [])
    #expect(try await test.journal.read(.b, after: 0) == [])
  }
}
