import CasebusJournal
import CasebusSQLite
import Foundation
import NIOCore
import Testing

/// The files are for the broker's user only, and nobody else decides which ones they are.
@Suite(.timeLimit(.minutes(5))) struct FileProtectionTests {
  private let directory = TestDirectory()
  private static let names = ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "journal.lock"]

  private func make(_ mode: Int = 0o700) throws {
    try FileManager.default.createDirectory(
      atPath: directory.path, withIntermediateDirectories: true, attributes: [.posixPermissions: mode])
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: directory.path)
  }

  private func mode(_ name: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: directory.path + "/" + name)[.posixPermissions] as? Int
  }

  private func expectRefused(_ path: String, _ reason: String) throws {
    let error = try #require(throws: JournalFileError.self) { try directory.open() }
    guard case .unsafe(path, let text) = error else { throw error }
    #expect(text.contains(reason) && error.description.hasPrefix("\(path) is not safe to use: "), "\(error)")
  }

  @Test(arguments: names)
  func aLinkIsNotFollowed(_ name: String) throws {
    try make()
    let target = "/tmp/casebus-target-\(UInt64.random(in: .min ... .max))"
    try Data("precious".utf8).write(to: URL(filePath: target))
    defer { try? FileManager.default.removeItem(atPath: target) }
    try FileManager.default.createSymbolicLink(atPath: directory.path + "/" + name, withDestinationPath: target)
    try expectRefused(directory.path + "/" + name, "symbolic link")
    #expect(try String(contentsOfFile: target, encoding: .utf8) == "precious")
  }

  @Test(arguments: names)
  func aLinkToNothingMakesNothing(_ name: String) throws {
    try make()
    let target = "/tmp/casebus-target-\(UInt64.random(in: .min ... .max))"
    try FileManager.default.createSymbolicLink(atPath: directory.path + "/" + name, withDestinationPath: target)
    try expectRefused(directory.path + "/" + name, "symbolic link")
    #expect(!FileManager.default.fileExists(atPath: target))
  }

  @Test(arguments: names)
  func aFileThatHasAnotherNameTooIsRefused(_ name: String) throws {
    try make()
    let target = "/tmp/casebus-target-\(UInt64.random(in: .min ... .max))"
    try Data("precious".utf8).write(to: URL(filePath: target))
    defer { try? FileManager.default.removeItem(atPath: target) }
    try FileManager.default.linkItem(atPath: target, toPath: directory.path + "/" + name)
    try expectRefused(directory.path + "/" + name, "2 hard links")
    #expect(try String(contentsOfFile: target, encoding: .utf8) == "precious")
  }

  @Test func rightsOfOthersAreTakenAway() async throws {
    let journal = try directory.open()
    try await journal.append([.a: JournalRecord.range(1...1)])
    journal.shutDown()
    for name in ["journal.sqlite", "journal.lock"] {
      try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: directory.path + "/" + name)
    }
    let reopened = try directory.open()
    try await reopened.append([.a: JournalRecord.range(2...2)])
    for name in Self.names { #expect(try mode(name) == 0o600, "\(name)") }
    reopened.shutDown()
  }

  @Test(arguments: [0o777, 0o770, 0o702])
  func aDirectoryThatOthersMayWriteToIsRefused(_ mode: Int) throws {
    try make(mode)
    try expectRefused(directory.path, "others may write to it (mode \(String(mode, radix: 8)))")
    #expect(try TestDirectory.files(in: directory.path).isEmpty)
  }

  @Test func aDirectoryThatOthersMayReadIsTaken() throws {
    try make(0o755)
    try directory.open().shutDown()
  }

  @Test(.enabled(if: geteuid() == 0, "only the superuser can give files away"))
  func aDirectoryOfSomebodyElseIsRefused() throws {
    try make()
    #expect(chown(directory.path, 65_534, 65_534) == 0)
    try expectRefused(directory.path, "it belongs to user 65534, this program runs as user 0")
    #expect(try TestDirectory.files(in: directory.path).isEmpty)
  }

  @Test(.enabled(if: geteuid() == 0, "only the superuser can give files away"), arguments: names)
  func aFileOfSomebodyElseIsRefused(_ name: String) throws {
    try make()
    let path = directory.path + "/" + name
    try Data().write(to: URL(filePath: path))
    #expect(chown(path, 65_534, 65_534) == 0)
    try expectRefused(path, "it belongs to user 65534")
  }

  @Test func aPipeIsRefusedAndNotWaitedFor() throws {
    try make()
    #expect(mkfifo(directory.path + "/journal.lock", 0o600) == 0)
    try expectRefused(directory.path + "/journal.lock", "it is not a file")
  }
}
