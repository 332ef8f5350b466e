import CasebusJournal
import CasebusProtocol
import CasebusTestSupport
import Foundation
import GRDB
import NIOCore
import Testing

@testable import CasebusSQLite

/// A storage that fails: nothing by halves, and it is noticed when it works again.
@Suite(.timeLimit(.minutes(5))) struct SQLiteFailureTests {
  private let directory = TestDirectory()

  private static func long(_ offset: JournalOffset) -> JournalRecord {
    JournalRecord(
      offset: offset, time: 0, event: "interaction",
      data: ByteBuffer(string: "\"" + String(repeating: "x", count: 100_000) + "\""))
  }

  @Test func aFullDiskFailsTheBatchAndNothingOfItIsThere() async throws {
    let journal = try directory.open()
    try await journal.append([.a: JournalRecord.range(1...3)])
    try journal.allow(morePages: 2)
    let error = try await #require(throws: JournalError.self) {
      try await journal.append([.a: [Self.long(4)], .b: JournalRecord.range(1...1)])
    }
    guard case .unavailable(let reason) = error else { throw error }
    #expect(reason.contains("full"), "\(reason)")
    #expect(try await journal.open(.a).records == JournalRecord.range(1...3))
    #expect(try await journal.open(.b).last == 0)
    journal.shutDown()
  }

  /// What clients and /ready are told names no files.
  @Test func failuresDoNotTellWhereTheFilesAre() async throws {
    let journal = try directory.open { $0.probeMilliseconds = 20 }
    try await journal.append([.a: JournalRecord.range(1...3)])
    try journal.allow(morePages: 2)
    var texts: [String] = []
    for _ in 0..<20 {
      do {
        try await journal.append([.a: [Self.long(4)]])
      } catch { texts.append("\(error)") }
      texts.append("\(journal.health)")
      try await Task.sleep(for: .milliseconds(5))
    }
    try await journal.pool.writeWithoutTransaction { try $0.execute(sql: "DROP TABLE snapshots") }
    journal.close(.a)
    do {
      _ = try await journal.open(.a)
    } catch { texts.append("\(error)") }
    journal.shutDown()
    do {
      _ = try await journal.open(.a)
    } catch { texts.append("\(error)") }
    #expect(texts.count > 40 && texts.allSatisfy { !$0.contains("/tmp") && !$0.contains("journal.sqlite") }, "\(texts)")
  }

  @Test func itWorksAgainByItself() async throws {
    let journal = try directory.open()
    try await journal.append([.a: JournalRecord.range(1...3)])
    try journal.allow(morePages: 2)
    await #expect(throws: JournalError.self) { try await journal.append([.a: [Self.long(4)]]) }
    try journal.allow(morePages: 100_000)
    while journal.health != .available { try await Task.sleep(for: .milliseconds(5)) }
    await #expect(throws: JournalError.conflict(.a, expected: 4, actual: 3)) {
      try await journal.append([.a: JournalRecord.range(5...5)])
    }
    try await journal.append([.a: [Self.long(4)]])
    #expect(try await journal.open(.a).records == JournalRecord.range(1...3) + [Self.long(4)])
    journal.shutDown()
  }

  /// Everything that was committed together fails together, also what would have fitted.
  @Test func theGroupFailsAsOne() async throws {
    let journal = try directory.open { $0.probeMilliseconds = 1_000_000 }
    try await journal.append([.a: JournalRecord.range(1...1)])
    try journal.allow(morePages: 2)
    let successes = await withTaskGroup(of: Bool.self) { group in
      for index in 0..<20 {
        group.addTask { (try? await journal.append([WorkspaceID("w\(index)")!: [Self.long(1)]])) != nil }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(successes == 0)
    guard case .unavailable = journal.health else { throw JournalError.closed }
    await #expect(throws: JournalError.self) { try await journal.append([.b: JournalRecord.range(1...1)]) }
    #expect(try await journal.open(WorkspaceID("w0")!).last == 0)
    #expect(try await journal.open(.b).last == 0)
    journal.shutDown()
  }

  /// A byte that the disk got wrong: an error, or a stream without gaps; never a trap.
  @Test(arguments: 0..<150)
  func flippedBytesNeverMakeAGap(_ seed: UInt64) async throws {
    let journal = try directory.open()
    try await JournalContent.write(to: journal)
    journal.shutDown()
    var random = SplitMix64(seed: seed)
    var bytes = try Data(contentsOf: URL(filePath: directory.database))
    for _ in 0...(seed % 3) {
      let index = Int(random.next() % UInt64(bytes.count))
      bytes[index] ^= UInt8(1 << (random.next() % 8))
    }
    try bytes.write(to: URL(filePath: directory.database))
    guard let damaged = try? directory.open() else { return }
    for workspace in JournalContent.workspaces {
      guard let stream = try? await damaged.open(workspace) else { continue }
      let first = (stream.snapshot?.offset ?? 0) + 1
      #expect(stream.records.map(\.offset) == Array(first..<(first + JournalOffset(stream.records.count))))
    }
    damaged.shutDown()
  }
}

extension SQLiteJournal {
  /// Lets the file grow by so many pages only, as a full disk does.
  fileprivate func allow(morePages pages: Int) throws {
    try pool.writeWithoutTransaction { db in
      let count = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
      try db.execute(sql: "PRAGMA max_page_count = \(count + pages)")
    }
  }
}
