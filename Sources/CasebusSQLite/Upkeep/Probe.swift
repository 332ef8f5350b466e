import CasebusJournal
import GRDB

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Tests whether a failed journal works again.
struct Probe: Sendable {
  let files: JournalFiles
  let writer: JournalWriter
  let health: HealthRecord

  /// Room for the next commits, not just for one more page.
  private static var bytes: Int { 1 << 20 }

  /// Tests it, if it failed.
  func run() async {
    guard health.value != .available else { return }
    do {
      try await writer.transaction { [files] db in
        try Self.writeFile(files.probe)
        try db.execute(sql: "INSERT OR REPLACE INTO meta(key, value) VALUES('probed', datetime('now'))")
      }
      health.recovered()
    } catch {
      _ = health.failed(error)
    }
  }

  private static func writeFile(_ path: String) throws(JournalFileError) {
    // The file of a broker that ended during its test.
    unlink(path)
    let file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw JournalFileError(errno, at: path) }
    defer {
      close(file)
      unlink(path)
    }
    let bytes = [UInt8](repeating: 0, count: Self.bytes)
    guard write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0 else {
      throw JournalFileError(errno == 0 ? ENOSPC : errno, at: path)
    }
  }
}
