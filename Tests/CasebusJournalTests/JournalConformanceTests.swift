import CasebusJournal
import CasebusProtocol
import NIOCore
import Testing

/// What every journal must do, whatever it keeps its records in: streams.
@Suite(.timeLimit(.minutes(5))) struct JournalConformanceTests {
  @Test(arguments: JournalKind.allCases)
  func appendedRecordsAreReadInOrder(_ kind: JournalKind) async throws {
    let test = try kind.make()
    try await test.journal.append([.a: JournalRecord.range(1...3), .b: JournalRecord.range(1...1)])
    try await test.journal.append([.a: JournalRecord.range(4...5)])
    #expect(try await test.journal.read(.a, after: 0) == JournalRecord.range(1...5))
    #expect(try await test.journal.read(.a, after: 2, limit: 2) == JournalRecord.range(3...4))
    #expect(try await test.journal.read(.b, after: 1) == [])
    #expect(try await test.journal.read(WorkspaceID("never")!, after: 0) == [])
  }

  /// Those of older files have none.
  @Test(arguments: JournalKind.allCases)
  func recordsKeepTheirKinds(_ kind: JournalKind) async throws {
    let test = try kind.make()
    var records = JournalRecord.range(1...3)
    records[0].kind = "markdoneRefused"
    records[2].kind = "case"
    try await test.journal.append([.a: records])
    #expect(try await test.journal.read(.a, after: 0) == records)
    #expect(try await test.journal.open(.a).records == records)
  }

  @Test(arguments: JournalKind.allCases)
  func aPageHasAtLeastOneRecordHoweverLongItIs(_ kind: JournalKind) async throws {
    let test = try kind.make()
    try await test.journal.append([.a: JournalRecord.range(1...9)])
    #expect(try await test.journal.read(.a, after: 0, bytesMax: 1) == JournalRecord.range(1...1))
    let some = try await test.journal.read(.a, after: 4, bytesMax: 15)
    #expect(some == JournalRecord.range(5...(4 + JournalOffset(some.count))) && (1...4).contains(some.count))
  }

  @Test(arguments: JournalKind.allCases)
  func conflictIsOfItsWorkspaceOnly(_ kind: JournalKind) async throws {
    let test = try kind.make()
    try await test.journal.append([.a: JournalRecord.range(1...2)])
    await #expect(throws: JournalError.conflict(.a, expected: 4, actual: 2)) {
      try await test.journal.append([.a: JournalRecord.range(5...5), .b: JournalRecord.range(1...1)])
    }
    await #expect(throws: JournalError.conflict(.a, expected: 1, actual: 2)) {
      try await test.journal.append(to: .a, after: 1) { $0.deadline = 5 }
    }
    #expect(try await test.journal.read(.a, after: 0).count == 2)
    #expect(try await test.journal.read(.b, after: 0) == JournalRecord.range(1...1))
    #expect(try await test.journal.workspacesWithDeadline().isEmpty)
  }

  /// Batches that are committed together have results of their own.
  @Test(arguments: JournalKind.allCases)
  func conflictOfOneBatchIsNoneOfTheOthers(_ kind: JournalKind) async throws {
    let test = try kind.make()
    let journal = test.journal
    defer { withExtendedLifetime(test) {} }
    let results = await withTaskGroup(of: (Int, Bool).self) { group in
      for index in 0..<200 {
        group.addTask {
          let workspace = WorkspaceID("w\(index % 100)")!
          return (index, (try? await journal.append([workspace: JournalRecord.range(1...3)])) != nil)
        }
      }
      return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    for index in 0..<100 {
      #expect([results[index], results[index + 100]].count { $0 == true } == 1)
      #expect(try await journal.read(WorkspaceID("w\(index)")!, after: 0) == JournalRecord.range(1...3))
    }
  }

  @Test(arguments: JournalKind.allCases)
  func batchesCompleteInOrder(_ kind: JournalKind) async throws {
    let test = try kind.make()
    let journal = test.journal
    defer { withExtendedLifetime(test) {} }
    let (completed, continuation) = AsyncStream.makeStream(of: JournalOffset.self)
    for offset in JournalOffset(1)...500 {
      var part = JournalPart(expected: offset - 1)
      part.records = JournalRecord.range(offset...offset)
      journal.append(JournalBatch(parts: [.a: part])) { result in
        if case .success = result { continuation.yield(offset) }
        if offset == 500 { continuation.finish() }
      }
    }
    #expect(await completed.reduce(into: []) { $0.append($1) } == Array(1...500))
  }

  @Test(arguments: JournalKind.allCases)
  func anOpenedStreamHasEverythingAfterTheSnapshot(_ kind: JournalKind) async throws {
    let test = try kind.make()
    #expect(try await test.journal.open(.a).last == 0)
    let receipt = JournalReceipt(messageID: "m", time: 3, offset: 2, failure: nil)
    let failure = JournalReceipt(
      messageID: "ü", time: 3, offset: 2, failure: Failure(.interactionNotFound, "there is none"))
    try await test.journal.append(to: .a, after: 0) {
      $0.records = JournalRecord.range(1...2)
      $0.receipts = [receipt, failure]
    }
    var stream = try await test.journal.open(.a)
    #expect(stream.last == 2 && stream.snapshot == nil && stream.records == JournalRecord.range(1...2))
    #expect(stream.receipts == [receipt, failure])
    let snapshot = JournalSnapshot(offset: 3, state: ByteBuffer(string: "{\"interactions\":[]}"))
    try await test.journal.append(to: .a, after: 2) {
      $0.records = JournalRecord.range(3...5)
      $0.snapshot = snapshot
    }
    stream = try await test.journal.open(.a)
    #expect(stream.last == 5 && stream.snapshot == snapshot && stream.records == JournalRecord.range(4...5))
    #expect(stream.receipts == [receipt, failure])
    try await test.journal.append(to: .a, after: 5) {
      $0.snapshot = JournalSnapshot(offset: 5, state: ByteBuffer(string: "{}"))
    }
    stream = try await test.journal.open(.a)
    #expect(stream.last == 5 && stream.snapshot?.offset == 5 && stream.records.isEmpty)
  }

  @Test(arguments: JournalKind.allCases)
  func theEpochStays(_ kind: JournalKind) async throws {
    let test = try kind.make()
    let epoch = try await test.journal.open(.a).epoch
    #expect((1...64).contains(epoch.utf8.count))
    try await test.journal.append([.a: JournalRecord.range(1...2)])
    #expect(try await test.journal.open(.a).epoch == epoch)
    let other = try kind.make()
    #expect(try await other.journal.open(.a).epoch != epoch)
  }

  /// A position of one workspace says nothing in another one.
  @Test(arguments: JournalKind.allCases)
  func eachWorkspaceHasAnEpochOfItsOwn(_ kind: JournalKind) async throws {
    let test = try kind.make()
    try await test.journal.append([.a: JournalRecord.range(1...2), .b: JournalRecord.range(1...2)])
    let names = [WorkspaceID.a, .b] + (0..<100).map { WorkspaceID("agent-\($0)")! }
    var epochs: Set<String> = []
    for name in names { epochs.insert(try await test.journal.open(name).epoch) }
    #expect(epochs.count == names.count)
  }

  @Test(arguments: JournalKind.allCases)
  func theNewestDeadlineCounts(_ kind: JournalKind) async throws {
    let test = try kind.make()
    try await test.journal.append(to: .a, after: 0) {
      $0.records = JournalRecord.range(1...1)
      $0.deadline = 10
    }
    try await test.journal.append(to: .b, after: 0) { $0.deadline = 20 }
    #expect(try await test.journal.workspacesWithDeadline() == [.a, .b])
    try await test.journal.append(to: .b, after: 0) { $0.deadline = 30 }
    try await test.journal.append([.a: JournalRecord.range(2...2)])
    #expect(try await test.journal.workspacesWithDeadline() == [.b])
    try await test.journal.append(to: .b, after: 0) { _ in }
    #expect(try await test.journal.workspacesWithDeadline().isEmpty)
  }

  @Test(arguments: JournalKind.allCases)
  func anEmptyBatchSucceeds(_ kind: JournalKind) async throws {
    let test = try kind.make()
    try await test.journal.append(JournalBatch())
    try await test.journal.append(to: .a, after: 0) { _ in }
    #expect(try await test.journal.open(.a).last == 0)
    #expect(test.journal.health == .available)
  }

  @Test func memoryForgetsAWorkspaceThatLeft() async throws {
    let journal = MemoryJournal()
    try await journal.append([.a: JournalRecord.range(1...2)])
    journal.close(.a)
    try await journal.append([.a: JournalRecord.range(1...1)])
    #expect(try await journal.read(.a, after: 0) == JournalRecord.range(1...1))
  }

  @Test func memoryForgetsTheOldestRecordsByBytes() async throws {
    let journal = MemoryJournal(bytesPerWorkspaceMax: 100_000)
    for offset in 1...10 { try await journal.append([.a: [JournalRecord.large(UInt64(offset), bytes: 30_000)]]) }
    // Each takes 32 KiB of memory.
    #expect(try await journal.read(.a, after: 7).map(\.offset) == [8, 9, 10])
    #expect(throws: JournalError.pruned(first: 8)) { try journal.replay(.a, after: 6) }
    // The newest is always there.
    try await journal.append([.a: [JournalRecord.large(11, bytes: 200_000)]])
    #expect(try await journal.read(.a, after: 10).map(\.offset) == [11])
    try await journal.append([.a: JournalRecord.range(12...40)])
    #expect(try await journal.read(.a, after: 11) == JournalRecord.range(12...40))
  }
}
