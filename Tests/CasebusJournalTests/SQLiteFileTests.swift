import CasebusJournal
import CasebusProtocol
import CasebusSQLite
import Foundation
import GRDB
import NIOCore
import Testing

/// A journal's files: what is in them comes back, and what is none is refused and left as it is.
@Suite(.timeLimit(.minutes(5))) struct SQLiteFileTests {
  private let directory = TestDirectory()

  /// A journal with something in every table, closed.
  private func fill() async throws {
    let journal = try directory.open()
    try await JournalContent.write(to: journal)
    journal.shutDown()
  }

  // MARK: - What was written is there

  @Test func reopeningGivesTheSame() async throws {
    let journal = try directory.open()
    try await JournalContent.write(to: journal)
    let written = try await JournalContent(of: journal)
    journal.shutDown()
    let reopened = try directory.open()
    #expect(try await JournalContent(of: reopened) == written)
    try await reopened.append([.a: JournalRecord.range(41...41)])
    #expect(try await reopened.open(.a).last == 41)
    reopened.shutDown()
  }

  /// Nobody closed it.
  @Test func aFileThatWasNotClosedGivesTheSame() async throws {
    let journal = try directory.open()
    try await JournalContent.write(to: journal)
    let copy = try copyOfTheFiles()
    let opened = try copy.open()
    #expect(try await JournalContent(of: opened) == JournalContent(of: journal))
    opened.shutDown()
    journal.shutDown()
  }

  @Test func filesAreForTheirUserOnly() async throws {
    let journal = try directory.open()
    try await journal.append([.a: JournalRecord.range(1...1)])
    func mode(_ path: String) throws -> Int? {
      try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
    #expect(try mode(directory.path) == 0o700)
    for name in ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "journal.lock"] {
      #expect(try mode(directory.path + "/" + name) == 0o600, "\(name)")
    }
    journal.shutDown()
  }

  @Test func aClosedJournalTakesNothing() async throws {
    let journal = try directory.open()
    journal.shutDown()
    journal.shutDown()
    await #expect(throws: JournalError.self) { try await journal.append([.a: JournalRecord.range(1...1)]) }
    await #expect(throws: JournalError.self) { try await journal.open(.a) }
  }

  /// With normal durability a machine that goes down takes the newest commits with it; their numbers were told.
  @Test(arguments: [("normal another-boot", true), ("full another-boot", false)])
  func commitsThatMayBeMissingBeginANewEpoch(_ lastRun: String, _ isNew: Bool) async throws {
    try await fill()
    let before = try await epoch()
    try await DatabaseQueue(path: directory.database).write {
      try $0.execute(sql: "INSERT INTO meta(key, value) VALUES('running', ?)", arguments: [lastRun])
    }
    let after = try await epoch()
    #expect((after != before) == isNew)
    #expect(try await epoch() == after)
  }

  @Test func aProcessThatIsKilledTakesNothingWithIt() async throws {
    let journal = try directory.open { $0.durability = .normal }
    try await journal.append([.a: JournalRecord.range(1...3)])
    let epoch = try await journal.open(.a).epoch
    let copy = try copyOfTheFiles()
    let opened = try copy.open { $0.durability = .normal }
    #expect(try await opened.open(.a).epoch == epoch)
    #expect(try await opened.open(.a).last == 3)
    opened.shutDown()
    journal.shutDown()
  }

  private func epoch() async throws -> String {
    let journal = try directory.open()
    defer { journal.shutDown() }
    return try await journal.open(.a).epoch
  }

  /// The files as they are when a process is killed.
  private func copyOfTheFiles() throws -> TestDirectory {
    let copy = TestDirectory()
    try FileManager.default.createDirectory(atPath: copy.path, withIntermediateDirectories: true)
    for name in ["journal.sqlite", "journal.sqlite-wal"] {
      try FileManager.default.copyItem(atPath: directory.path + "/" + name, toPath: copy.path + "/" + name)
    }
    return copy
  }

  // MARK: - What is refused

  @Test func aSecondBrokerIsRefused() throws {
    let first = try directory.open()
    #expect(throws: JournalFileError.inUse(lock: directory.path + "/journal.lock", process: Int(getpid()))) {
      try directory.open()
    }
    first.shutDown()
  }

  @Test func theLockEndsWithTheJournal() async throws {
    try await fill()
    let next = try directory.open()
    #expect(try await next.open(.a).last == 40)
    next.shutDown()
  }

  @Test func aNewerSchemaIsRefused() async throws {
    try await fill()
    try await DatabaseQueue(path: directory.database).write { try $0.execute(sql: "PRAGMA user_version = 99") }
    try expectRefused(as: .newerSchema(file: directory.database, found: 99, known: 4))
  }

  @Test func anotherProgramsDatabaseIsRefused() async throws {
    try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
    try await DatabaseQueue(path: directory.database).write { try $0.execute(sql: "CREATE TABLE photos(id)") }
    try expectRefused(as: .notAJournal(file: directory.database, reason: "its application_id is 0"))
  }

  @Test(arguments: ["x", "Dear diary, today …", String(repeating: "\u{0}\u{7F}Z", count: 50_000)])
  func aFileThatIsNoDatabaseIsRefused(_ text: String) throws {
    try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(filePath: directory.database))
    try expectRefused {
      if case .notAJournal = $0 { true } else { false }
    }
  }

  @Test(arguments: [1, 3, 7])
  func aFileThatWasCutOffIsRefused(_ pages: Int) async throws {
    try await fill()
    let bytes = try Data(contentsOf: URL(filePath: directory.database))
    try bytes.prefix(pages * 4096).write(to: URL(filePath: directory.database))
    try expectRefused {
      if case .damaged = $0 { true } else { false }
    }
  }

  @Test func aPathThatIsAFileIsRefused() throws {
    try Data("x".utf8).write(to: URL(filePath: directory.path))
    defer { try? FileManager.default.removeItem(atPath: directory.path) }
    #expect(throws: JournalFileError.failed(path: directory.path, reason: "Not a directory")) { try directory.open() }
  }

  @Test func aDirectoryThatCannotBeMadeIsNamed() throws {
    let configuration = SQLiteJournalConfiguration(directory: "/proc/casebus-test")
    let error = #expect(throws: JournalFileError.self) {
      try SQLiteJournal(configuration, logger: TestDirectory.logger) { 0 }
    }
    #expect(error?.description.contains("/proc/casebus-test") == true)
  }

  private func expectRefused(as error: JournalFileError) throws {
    try expectRefused { $0 == error }
  }

  /// The journal is not opened, the error names the file, and the file is as it was.
  private func expectRefused(_ isExpected: (JournalFileError) -> Bool) throws {
    let before = try Data(contentsOf: URL(filePath: directory.database))
    let error = try #require(throws: JournalFileError.self) { try directory.open() }
    #expect(isExpected(error), "\(error)")
    #expect(error.description.contains(directory.database))
    #expect(try Data(contentsOf: URL(filePath: directory.database)) == before)
  }
}
