import GRDB

extension DatabasePool {
  convenience init(_ files: JournalFiles, _ journal: SQLiteJournalConfiguration) throws {
    var configuration = Configuration()
    configuration.label = "casebus.journal"
    // Only a person with a shell can hold a lock on the database.
    configuration.busyMode = .timeout(5)
    configuration.maximumReaderCount = journal.readersMax
    try self.init(path: files.database, configuration: configuration)
    try writeWithoutTransaction { try $0.setUp(journal.durability) }
  }

  /// Migrates the tables, and reads the file's epoch.
  func begin(_ run: JournalRun) throws -> String {
    try writeWithoutTransaction { db in
      try JournalSchema.migrate(db, epoch: JournalSchema.newEpoch())
      try db.inTransaction {
        if try run.begin(db) { try JournalSchema.set(epoch: JournalSchema.newEpoch(), db) }
        return .commit
      }
      guard let epoch = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'epoch'") else {
        throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "it has no epoch")
      }
      return epoch
    }
  }
}

extension Database {
  fileprivate func setUp(_ durability: SQLiteJournalConfiguration.Durability) throws {
    // FULL: each commit ends with an fsync of the log (`-wal`), before it is reported. NORMAL syncs the log only before
    // it is moved into the database, so a crash of the machine loses the newest commits, each as a whole
    // (https://www.sqlite.org/pragma.html#pragma_synchronous). GRDB sets NORMAL by default.
    try execute(sql: "PRAGMA synchronous = \(durability == .full ? "FULL" : "NORMAL")")
    // See Checkpoints.
    try execute(sql: "PRAGMA wal_autocheckpoint = 0")
    // The disk space of a long log is released when the log starts again.
    try execute(sql: "PRAGMA journal_size_limit = \(128 << 20)")
    try execute(sql: "PRAGMA cache_size = -32768")
  }
}
