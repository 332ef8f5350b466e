import CasebusJournal
import CasebusProtocol
import Logging
import NIOCore
import Synchronization

@testable import CasebusSQLite

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The journals that the conformance suite is run with.
enum JournalKind: CaseIterable {
  case memory
  case sqlite

  /// A new journal that keeps 100 records of each workspace, if it may.
  func make() throws -> TestJournal {
    switch self {
    case .memory: TestJournal(journal: MemoryJournal(recordsPerWorkspaceMax: 100))
    case .sqlite: TestJournal(directory: TestDirectory())
    }
  }
}

/// A journal, and what it lies in.
final class TestJournal {
  let journal: any EventJournal
  private let directory: TestDirectory?

  init(journal: any EventJournal) {
    self.journal = journal
    directory = nil
  }

  init(directory: TestDirectory) {
    journal = try! directory.open()
    self.directory = directory
  }

  deinit {
    (journal as? SQLiteJournal)?.shutDown()
  }

  /// Deletes what is to be deleted at that moment, milliseconds since 1970.
  func prune(now: Int64 = 0) async {
    await (journal as? SQLiteJournal)?.retention.sweep(now: now)
  }
}

/// A directory of a test's own, removed with it.
final class TestDirectory: Sendable {
  let path: String
  /// What the journal takes for the time, milliseconds since 1970.
  let now = Atomic<Int64>(1_700_000_001_000)

  init() {
    path = "/tmp/casebus-test-\(UInt64.random(in: .min ... .max))"
  }

  var database: String { path + "/journal.sqlite" }

  deinit {
    for file in (try? Self.files(in: path)) ?? [] { unlink(path + "/" + file) }
    rmdir(path)
  }

  /// The journal in it, with limits that tests reach; nothing is pruned but when a test says so.
  func open(_ configure: (inout SQLiteJournalConfiguration) -> Void = { _ in }) throws -> SQLiteJournal {
    var configuration = SQLiteJournalConfiguration(directory: path)
    configuration.retentionEventsPerWorkspaceMax = 100
    configuration.consumerBacklogEventsMax = 1_000
    configuration.pruneIntervalSeconds = 86_400
    configuration.probeMilliseconds = 20
    configure(&configuration)
    return try SQLiteJournal(configuration, logger: Self.logger) { [self] in now.load(ordering: .relaxed) }
  }

  static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  static func files(in path: String) throws -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}

extension WorkspaceID {
  static let a = WorkspaceID("a")!
  static let b = WorkspaceID("b")!
}

extension JournalRecord {
  /// Records that know their offset.
  static func range(_ offsets: ClosedRange<JournalOffset>, time: Int64 = 0) -> [JournalRecord] {
    offsets.map {
      JournalRecord(
        offset: $0, time: time, event: "interaction", data: ByteBuffer(string: "{\"n\":\($0)}"),
        detail: $0 % 2 == 0 ? ByteBuffer(string: "{\"d\":\"ä\"}") : ByteBuffer())
    }
  }
  static func large(_ offset: JournalOffset, bytes: Int) -> JournalRecord {
    JournalRecord(
      offset: offset, time: 0, event: "agent", data: ByteBuffer(repeating: UInt8(ascii: "x"), count: bytes))
  }
}
