import CasebusJournal
import CasebusProtocol
import Foundation
import GRDB
import NIOCore
import Synchronization
import Testing

@testable import CasebusSQLite

/// Files of every schema that was ever released open, with all that was in them.
///
/// A file is made with: CASEBUS_WRITE_JOURNAL=Tests/CasebusJournalTests/Journals/schema-N.sqlite swift test --filter
/// SchemaTests; it is made once, by the version whose schema it has, and never again.
@Suite(.timeLimit(.minutes(5))) struct SchemaTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Journals")
  private let directory = TestDirectory()

  @Test(arguments: ["schema-1.sqlite", "schema-2.sqlite", "schema-3.sqlite"])
  func anOlderFileOpensWithAllThatIsInIt(_ name: String) async throws {
    try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      at: Self.folder.appending(path: name), to: URL(filePath: directory.database))
    let old = try directory.open()
    let content = try await JournalContent(of: old)
    let epoch = content.streams[.a]?.epoch
    #expect(epoch == StreamEpoch.text(file: "3k0r2vhq0vk8z", workspace: .a, generation: 0))
    let kind = try JournalKind.sqlite.make()
    try await JournalContent.write(to: kind.journal)
    #expect(try await content == JournalContent(of: kind.journal).with(epoch: "3k0r2vhq0vk8z"))
    var next = JournalRecord.range(41...41)
    next[0].kind = "case"
    try await old.append([.a: next])
    let records = try await old.read(.a, after: 0)
    #expect(records.map(\.kind) == Array(repeating: "", count: 40) + ["case"])
    #expect(try await old.open(.a).last == 41)
    old.shutDown()
    #expect(try JournalInspection(directory: directory.path).verify { _, _, _ in } == [])
  }

  /// It can be looked at, and copied, before the broker that changes it is started.
  @Test(arguments: ["schema-1.sqlite", "schema-2.sqlite", "schema-3.sqlite"])
  func anOlderFileCanBeLookedAtAsItIs(_ name: String) async throws {
    try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
    let file = URL(filePath: directory.database)
    try FileManager.default.copyItem(at: Self.folder.appending(path: name), to: file)
    let inspection = try JournalInspection(directory: directory.path)
    #expect(try inspection.verify { _, _, _ in } == [])
    #expect(try inspection.summary(workspacesMax: 10).eventCount == 60)
    #expect(try inspection.entries(of: .a, after: 0, limit: 100).count == 40)
    let exported = Mutex("")
    try inspection.export(to: { text in exported.withLock { $0 += String(buffer: text) } }) { _, _, _ in }
    let counts = exported.withLock { text in
      ["event", "snapshot", "receipt", "consumer", "position", "parked"].map { type in
        text.split(separator: "\n").count { $0.hasPrefix("{\"type\":\"\(type)\"") }
      }
    }
    #expect(counts[0] == 60 && counts.allSatisfy { $0 > 0 }, "\(counts)")
  }

  @Test(.enabled(if: ProcessInfo.processInfo.environment["CASEBUS_WRITE_JOURNAL"] != nil))
  func writeTheFileOfThisSchema() async throws {
    let journal = try directory.open()
    try await JournalContent.write(to: journal)
    journal.shutDown()
    try await DatabaseQueue(path: directory.database).write {
      try $0.execute(sql: "UPDATE meta SET value = '3k0r2vhq0vk8z' WHERE key = 'epoch'")
    }
    let path = try #require(ProcessInfo.processInfo.environment["CASEBUS_WRITE_JOURNAL"])
    try FileManager.default.copyItem(atPath: directory.database, toPath: path)
  }
}

extension JournalContent {
  fileprivate func with(epoch: String) -> JournalContent {
    var content = self
    for workspace in streams.keys {
      content.streams[workspace]?.epoch = StreamEpoch.text(file: epoch, workspace: workspace, generation: 0)
    }
    return content
  }
}
