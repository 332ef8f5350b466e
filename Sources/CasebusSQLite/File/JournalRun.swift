import FoundationEssentials
import GRDB

/// Notes in the file that a broker has it open, and with which durability, so that the next broker knows what can be
/// missing.
///
/// With `normal` durability a crash of the machine loses the newest commits. Clients know their offsets, which new
/// events would get again. So the journal gets a new epoch then, and no client can resume into it.
struct JournalRun {
  private let durability: SQLiteJournalConfiguration.Durability
  private let boot: String
  private static var key: String { "running" }

  init(_ durability: SQLiteJournalConfiguration.Durability, boot: String = JournalRun.currentBoot) {
    self.durability = durability
    self.boot = boot
  }

  /// - Returns: whether commits of the last run can be missing.
  func begin(_ db: Database) throws -> Bool {
    let last = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = ?", arguments: [Self.key])
    try db.execute(
      sql: "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)",
      arguments: [Self.key, "\(durability.rawValue) \(boot)"])
    guard let last else { return false }
    return last.hasPrefix(SQLiteJournalConfiguration.Durability.normal.rawValue) && !last.hasSuffix(" \(boot)")
  }

  /// The journal was closed regularly.
  static func end(_ db: Database) throws {
    try db.execute(sql: "DELETE FROM meta WHERE key = ?", arguments: [key])
  }

  /// A text that differs after each start of the machine.
  private static var currentBoot: String {
    let text = try? String(contentsOf: URL(filePath: "/proc/sys/kernel/random/boot_id"), encoding: .utf8)
    return text?.split(separator: "\n").first.map(String.init) ?? "unknown"
  }
}
