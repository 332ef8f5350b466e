import CasebusJournal
import CasebusProtocol
import CasebusTestSupport
import Foundation
import GRDB
import NIOCore
import Testing

@testable import CasebusSQLite

/// What is left of a file after a machine went down at any moment: all commits up to some point, at least those that were
/// on the disk, and none by halves.
@Suite(.timeLimit(.minutes(5))) struct SQLiteTornWriteTests {
  /// The files of a journal while it was written, and how long the log was after each commit.
  struct Written {
    var database: Data
    var log: Data
    var commits: [(logBytes: Int, last: JournalOffset)] = []
  }

  private func write(_ count: Int) async throws -> Written {
    let directory = TestDirectory()
    let journal = try directory.open()
    let log = URL(filePath: directory.database + "-wal")
    var written = Written(database: Data(), log: Data())
    var last: JournalOffset = 0
    for index in 0..<count {
      let end = last + 1 + JournalOffset(index % 5)
      try await journal.append([
        .a: JournalRecord.range((last + 1)...end), WorkspaceID("w\(index)")!: JournalRecord.range(1...1),
      ])
      last = end
      written.commits.append((try Data(contentsOf: log).count, last))
    }
    written.database = try Data(contentsOf: URL(filePath: directory.database))
    written.log = try Data(contentsOf: log)
    journal.shutDown()
    return written
  }

  @Test func theLogMayEndAnywhere() async throws {
    let written = try await write(60)
    var random = SplitMix64(seed: 5)
    let start = written.commits[0].logBytes
    for round in 0..<120 {
      let cut = start + Int(random.next() % UInt64(written.log.count - start + 1))
      var log = written.log.prefix(cut)
      // What follows may be anything: what was there before, or nothing.
      if round % 3 == 1 { log += Data((0..<5000).map { _ in UInt8(truncatingIfNeeded: random.next()) }) }
      if round % 3 == 2 { log += Data(count: 9000) }
      try await check(written, written.database, log, atLeast: cut)
    }
  }

  /// A checkpoint that did not come to its end: some pages of the database are the new ones, some the old ones, and the
  /// log is still there.
  @Test func theDatabaseMayBeWrittenByHalves() async throws {
    let written = try await write(60)
    let checkpointed = try await checkpointedDatabase(written)
    var random = SplitMix64(seed: 6)
    for _ in 0..<40 {
      var database = written.database
      for page in 0..<(checkpointed.count / 4096) where random.next() % 2 == 0 {
        let range = (page * 4096)..<((page + 1) * 4096)
        if database.count < range.upperBound { database += Data(count: range.upperBound - database.count) }
        database.replaceSubrange(range, with: checkpointed[range])
      }
      try await check(written, database, written.log, atLeast: written.log.count)
    }
  }

  private func checkpointedDatabase(_ written: Written) async throws -> Data {
    let directory = TestDirectory()
    try put(written.database, written.log, into: directory)
    let journal = try directory.open()
    journal.shutDown()
    return try Data(contentsOf: URL(filePath: directory.database))
  }

  private func check(_ written: Written, _ database: Data, _ log: Data, atLeast cut: Int) async throws {
    let directory = TestDirectory()
    try put(database, log, into: directory)
    let journal = try directory.open()
    let stream = try await journal.open(.a)
    let commits = written.commits.count { $0.last <= stream.last }
    #expect(stream.last == written.commits.prefix(commits).last?.last ?? 0, "half a commit is there")
    #expect(commits >= written.commits.count { $0.logBytes <= cut }, "a commit before byte \(cut) is lost")
    #expect(stream.records == JournalRecord.range(1...max(1, stream.last)) || stream.last == 0)
    for index in written.commits.indices {
      let other = try await journal.open(WorkspaceID("w\(index)")!)
      #expect(other.last == (index < commits ? 1 : 0))
    }
    journal.shutDown()
  }

  private func put(_ database: Data, _ log: Data, into directory: TestDirectory) throws {
    try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
    try database.write(to: URL(filePath: directory.database))
    try log.write(to: URL(filePath: directory.database + "-wal"))
  }
}
