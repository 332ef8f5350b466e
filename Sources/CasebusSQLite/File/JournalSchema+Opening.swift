import GRDB

extension JournalSchema {
  /// The identity of a file: its application id and schema.
  struct Identity {
    var applicationID: Int
    var version: Int
    var tables: Int

    init(_ db: Database) throws {
      applicationID = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
      version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
      tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
    }

    /// - Throws: ``JournalFileError`` if this is not a journal that this version can work with.
    func check(_ file: String, mayBeNew: Bool) throws(JournalFileError) {
      if mayBeNew, applicationID == 0, version == 0, tables == 0 { return }
      guard applicationID == JournalSchema.applicationID else {
        throw .notAJournal(file: file, reason: "its application_id is \(applicationID)")
      }
      guard version <= JournalSchema.version else {
        throw .newerSchema(file: file, found: version, known: JournalSchema.version)
      }
    }
  }

  /// Reads a file's identity without changing the file.
  static func check(_ file: String) throws(JournalFileError) {
    do {
      var configuration = Configuration()
      configuration.readonly = true
      configuration.busyMode = .timeout(5)
      let queue = try DatabaseQueue(path: file, configuration: configuration)
      defer { try? queue.close() }
      try queue.read { try Identity($0) }.check(file, mayBeNew: true)
    } catch {
      throw JournalFileError(error, at: file)
    }
  }

  /// A new unique epoch.
  static func newEpoch() -> String {
    String(UInt64.random(in: .min ... .max), radix: 36)
  }

  static func set(epoch: String, _ db: Database) throws {
    try db.execute(sql: "INSERT OR REPLACE INTO meta(key, value) VALUES('epoch', ?)", arguments: [epoch])
  }

  /// Migrates the tables to the current schema, each step in its own transaction.
  static func migrate(_ db: Database, epoch: String) throws {
    let found = try Identity(db).version
    for (index, sql) in migrations.enumerated().dropFirst(found) {
      try db.inTransaction {
        try db.execute(sql: sql)
        if index == 0 {
          try set(epoch: epoch, db)
          try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        }
        try db.execute(sql: "PRAGMA user_version = \(index + 1)")
        return .commit
      }
    }
  }
}
