import GRDB

/// The tables, and how those of older files become those of today.
enum JournalSchema {
  /// Which tables a file has (`PRAGMA user_version`); 0 is a new file.
  static var version: Int { migrations.count }

  /// Marks the file as a journal (`PRAGMA application_id`): "Casb".
  static let applicationID = 0x4361_7362

  /// What makes version n + 1 of version n. One that was released is never changed.
  static let migrations = [version1, version2, version3, version4]

  /// A record's place in `events` is its workspace's number in the upper bits and its offset in the lower 40, so that a
  /// workspace's records lie together and in order. Measured against a primary key of two columns: the same for records
  /// of 250 bytes, twice as fast and a third of the space for those of 1,200, which the index pages of SQLite do not take
  /// in one piece (Docs/decisions/0008).
  ///
  /// `pruned`: every record up to this one is gone, all others are there. The newest record is the newest in `events`, or
  /// `pruned` if none is, so that appending writes nothing but the record.
  private static let version1 = """
    CREATE TABLE meta(
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE workspaces(
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      pruned INTEGER NOT NULL DEFAULT 0,
      deadline INTEGER
    ) STRICT;
    CREATE INDEX workspacesByDeadline ON workspaces(deadline) WHERE deadline IS NOT NULL;

    CREATE TABLE events(
      id INTEGER PRIMARY KEY,
      time INTEGER NOT NULL,
      event TEXT NOT NULL,
      data TEXT NOT NULL,
      detail TEXT
    ) STRICT;

    CREATE TABLE snapshots(
      workspace INTEGER PRIMARY KEY,
      offset INTEGER NOT NULL,
      state TEXT NOT NULL
    ) STRICT;

    CREATE TABLE receipts(
      id INTEGER PRIMARY KEY,
      workspace INTEGER NOT NULL,
      messageID TEXT NOT NULL,
      time INTEGER NOT NULL,
      offset INTEGER NOT NULL,
      failureCode TEXT,
      failureMessage TEXT
    ) STRICT;
    CREATE INDEX receiptsByWorkspace ON receipts(workspace);

    CREATE TABLE consumers(
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      scope TEXT NOT NULL,
      events TEXT NOT NULL,
      time INTEGER NOT NULL,
      UNIQUE(name, scope)
    ) STRICT;

    CREATE TABLE positions(
      consumer INTEGER NOT NULL,
      workspace INTEGER NOT NULL,
      offset INTEGER NOT NULL,
      PRIMARY KEY(consumer, workspace)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX positionsByWorkspace ON positions(workspace);

    CREATE TABLE parked(
      consumer INTEGER NOT NULL,
      workspace INTEGER NOT NULL,
      offset INTEGER NOT NULL,
      deliveries INTEGER NOT NULL,
      time INTEGER NOT NULL,
      PRIMARY KEY(consumer, workspace, offset)
    ) STRICT, WITHOUT ROWID;

    CREATE VIEW stream AS
      SELECT w.name AS workspace, e.id & 1099511627775 AS offset, datetime(e.time / 1000, 'unixepoch') AS at,
        e.event, e.data, e.detail
      FROM events e JOIN workspaces w ON w.id = e.id >> 40;
    """

  // MARK: - What a file of an older schema tells, when it is only looked at

  /// Of parked records `p`.
  static func parkedColumns(_ db: Database) throws -> String {
    try Identity(db).version < 3 ? "NULL, 0" : "reason, again"
  }

  /// Of workspaces `w`.
  static func generationColumn(_ db: Database) throws -> String {
    try Identity(db).version < 2 ? "0" : "w.generation"
  }

  /// Of a snapshot.
  static func isEmptyColumn(_ db: Database) throws -> String {
    try Identity(db).version < 2 ? isEmptyByItsText : "isEmpty"
  }

  /// Of a record.
  static func kindColumn(_ db: Database) throws -> String {
    try Identity(db).version < 4 ? "NULL" : "kind"
  }

  /// Of a record.
  static func totalColumn(_ db: Database) throws -> String {
    try Identity(db).version < 2 ? "NULL" : "total"
  }

  private static let isEmptyByItsText = #"state LIKE '{"interactions":[],%'"#

  /// `generation`: how often workspaces had been forgotten when this one was made (``StreamEpoch``).
  ///
  /// `isEmpty`: the state is that of a workspace that never was. Older files tell it by its text.
  ///
  /// `total`: the bytes of the workspace's records up to and including this one, so that those between two records are
  /// known without reading them, and appending still writes nothing but the record. NULL in records of older files,
  /// which count as nothing.
  private static let version2 = """
    ALTER TABLE workspaces ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE snapshots ADD COLUMN isEmpty INTEGER NOT NULL DEFAULT 0;
    UPDATE snapshots SET isEmpty = 1 WHERE \(isEmptyByItsText);
    ALTER TABLE events ADD COLUMN total INTEGER;
    """

  /// Why a record was parked, and whether it is to be given again.
  private static let version3 = """
    ALTER TABLE parked ADD COLUMN reason TEXT;
    ALTER TABLE parked ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
    """

  /// `kind`: which event of the workspace a record is. NULL in records of older files; a replay infers it from them.
  private static let version4 = """
    ALTER TABLE events ADD COLUMN kind TEXT;
    DROP VIEW stream;
    CREATE VIEW stream AS
      SELECT w.name AS workspace, e.id & 1099511627775 AS offset, datetime(e.time / 1000, 'unixepoch') AS at,
        e.event, e.kind, e.data, e.detail
      FROM events e JOIN workspaces w ON w.id = e.id >> 40;
    """
}

/// Where a record is in `events`.
enum RecordID {
  private static var bits: Int64 { 40 }
  static var offsetMax: Int64 { 1 << bits - 1 }
  static var workspaceMax: Int64 { 1 << (63 - bits) - 1 }

  static func make(_ workspace: Int64, _ offset: UInt64) -> Int64 { workspace << bits | Int64(offset) }
  /// Greater than all of the workspace's.
  static func end(of workspace: Int64) -> Int64 { workspace << bits | offsetMax }
  static func offset(of id: Int64) -> UInt64 { UInt64(id & offsetMax) }
  static func workspace(of id: Int64) -> Int64 { id >> bits }
}
