import CasebusJournal
import CasebusProtocol
import NIOCore
import Synchronization
import Testing

/// What every journal must do, whatever it keeps its records in.
@Suite struct JournalConformanceTests {
  static let a = WorkspaceID("a")!
  static let b = WorkspaceID("b")!

  /// The journals that this suite is run with.
  enum Kind: CaseIterable {
    case memory

    func make() -> any EventJournal {
      switch self {
      case .memory: MemoryJournal(recordsPerWorkspaceMax: 100)
      }
    }
  }

  static func records(_ offsets: ClosedRange<JournalOffset>) -> [JournalRecord] {
    offsets.map { JournalRecord(offset: $0, time: 0, event: "interaction", data: ByteBuffer(string: "{\"n\":\($0)}")) }
  }

  @Test(arguments: Kind.allCases)
  func appendedRecordsAreReadInOrder(_ kind: Kind) async throws {
    let journal = kind.make()
    try await journal.append([Self.a: Self.records(1...3), Self.b: Self.records(1...1)])
    try await journal.append([Self.a: Self.records(4...5)])
    #expect(try await journal.read(Self.a, after: 0) == Self.records(1...5))
    #expect(try await journal.read(Self.a, after: 2, limit: 2) == Self.records(3...4))
    #expect(try await journal.read(Self.b, after: 1) == [])
    #expect(try await journal.read(WorkspaceID("never")!, after: 0) == [])
  }

  @Test(arguments: Kind.allCases)
  func conflictAppendsNothingOfTheBatch(_ kind: Kind) async throws {
    let journal = kind.make()
    try await journal.append([Self.a: Self.records(1...2)])
    await #expect(throws: JournalError.conflict(Self.a, expected: 4, actual: 2)) {
      try await journal.append([Self.a: Self.records(5...5), Self.b: Self.records(1...1)])
    }
    #expect(try await journal.read(Self.a, after: 0).count == 2)
    #expect(try await journal.read(Self.b, after: 0).isEmpty)
  }

  @Test(arguments: Kind.allCases)
  func oldRecordsArePrunedAndSaidToBe(_ kind: Kind) async throws {
    let journal = kind.make()
    try await journal.append([Self.a: Self.records(1...80)])
    try await journal.append([Self.a: Self.records(81...150)])
    #expect(try await journal.read(Self.a, after: 50) == Self.records(51...150))
    await #expect(throws: JournalError.pruned(first: 51)) { try await journal.read(Self.a, after: 49) }
  }

  @Test func memoryForgetsAWorkspaceThatLeft() async throws {
    let journal = MemoryJournal()
    try await journal.append([Self.a: Self.records(1...2)])
    journal.close(Self.a)
    try await journal.append([Self.a: Self.records(1...1)])
    #expect(try await journal.read(Self.a, after: 0) == Self.records(1...1))
  }
}

extension EventJournal {
  fileprivate func append(_ records: [WorkspaceID: [JournalRecord]]) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      let parts = records.mapValues { records in
        var part = JournalPart(expected: records[0].offset - 1)
        part.records = records
        return part
      }
      append(JournalBatch(parts: parts)) { continuation.resume(with: $0.mapError { $0 as any Error }) }
    }
  }

  fileprivate func read(
    _ workspace: WorkspaceID, after offset: JournalOffset, limit: Int = 1_000
  ) async throws -> [JournalRecord] {
    let replay = try replay(workspace, after: offset)
    return try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<_, any Error>) in
      replay.read(after: offset, limit: limit, bytesMax: .max) {
        continuation.resume(with: $0.mapError { $0 as any Error })
      }
    }
  }
}
