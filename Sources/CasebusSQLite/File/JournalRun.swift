import FoundationEssentials
import GRDB

/// Notes in the file that somebody has it open, and how, so that the next one knows what may be missing.
///
/// With `normal` durability a machine that goes down takes the newest commits with it. Their offsets were told to clients
/// and would be given to other events. So then the numbering begins under a new name: nobody resumes into it.
struct JournalRun {
  private let durability: SQLiteJournalConfiguration.Durability
  private let boot: String
  private static var key: String { "running" }

  init(_ durability: SQLiteJournalConfiguration.Durability, boot: String = JournalRun.currentBoot) {
    self.durability = durability
    self.boot = boot
  }

  /// - Returns: whether commits of the last run may be missing.
  func begin(_ db: Database) throws -> Bool {
    let last = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = ?", arguments: [Self.key])
    try db.execute(
      sql: "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)",
      arguments: [Self.key, "\(durability.rawValue) \(boot)"])
    guard let last else { return false }
    return last.hasPrefix(SQLiteJournalConfiguration.Durability.normal.rawValue) && !last.hasSuffix(" \(boot)")
  }

  /// It was closed well.
  static func end(_ db: Database) throws {
    try db.execute(sql: "DELETE FROM meta WHERE key = ?", arguments: [key])
  }

  /// Another text after each start of the machine.
  private static var currentBoot: String {
    let text = try? String(contentsOf: URL(filePath: "/proc/sys/kernel/random/boot_id"), encoding: .utf8)
    return text?.split(separator: "\n").first.map(String.init) ?? "unknown"
  }
}
