import GRDB

extension DatabasePool {
  convenience init(_ files: JournalFiles, _ journal: SQLiteJournalConfiguration) throws {
    var configuration = Configuration()
    configuration.label = "casebus.journal"
    // Only somebody with a shell can be in the way.
    configuration.busyMode = .timeout(5)
    configuration.maximumReaderCount = journal.readersMax
    try self.init(path: files.database, configuration: configuration)
    try writeWithoutTransaction { try $0.setUp(journal.durability) }
  }

  /// Makes the tables of today, and reads the name of the file's numbering.
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
    // FULL: each commit ends with an fsync of the log (`-wal`), before anybody is told of it. NORMAL leaves that out; the
    // log is then synced only before it is moved into the database, so that a lost machine takes the newest commits
    // with it, but nothing older and nothing by halves (https://www.sqlite.org/pragma.html#pragma_synchronous).
    // GRDB has set NORMAL before.
    try execute(sql: "PRAGMA synchronous = \(durability == .full ? "FULL" : "NORMAL")")
    // See Checkpoints.
    try execute(sql: "PRAGMA wal_autocheckpoint = 0")
    // What a long log has taken of the disk is given back when it begins anew.
    try execute(sql: "PRAGMA journal_size_limit = \(128 << 20)")
    try execute(sql: "PRAGMA cache_size = -32768")
  }
}
