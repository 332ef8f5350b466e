import GRDB

/// The tables, and the migrations from older schemas.
enum JournalSchema {
  /// The schema of a file (`PRAGMA user_version`); 0 is a new file.
  static var version: Int { migrations.count }

  /// Marks the file as a journal (`PRAGMA application_id`): "Casb".
  static let applicationID = 0x4361_7362

  /// The statements that make schema n + 1 from schema n. Never change a released one.
  static let migrations = [version1, version2, version3, version4]

  /// A record's place in `events` is its workspace's number in the upper bits and its offset in the lower 40, so that a
  /// workspace's records are adjacent and in order (Docs/decisions/0008).
  ///
  /// `pruned`: every record up to this offset was deleted, all others exist. The current offset is that of the newest
  /// record in `events`, or `pruned` without records. So appending writes nothing but the record.
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

  /// `generation`: how often workspaces had been forgotten when this one was created (``StreamEpoch``).
  ///
  /// `isEmpty`: the state is that of an unused workspace. In older files its text says so.
  ///
  /// `total`: the bytes of the workspace's records up to and including this one. So the bytes between two records are
  /// known without reading them, and appending still writes nothing but the record. NULL in records of older files,
  /// which count as 0.
  private static let version2 = """
    ALTER TABLE workspaces ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE snapshots ADD COLUMN isEmpty INTEGER NOT NULL DEFAULT 0;
    UPDATE snapshots SET isEmpty = 1 WHERE \(isEmptyByItsText);
    ALTER TABLE events ADD COLUMN total INTEGER;
    """

  /// Why a record was parked, and whether it must be delivered again.
  private static let version3 = """
    ALTER TABLE parked ADD COLUMN reason TEXT;
    ALTER TABLE parked ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
    """

  /// `kind`: which kind of event a record is. NULL in records of older files; a replay infers it from the other
  /// columns.
  private static let version4 = """
    ALTER TABLE events ADD COLUMN kind TEXT;
    DROP VIEW stream;
    CREATE VIEW stream AS
      SELECT w.name AS workspace, e.id & 1099511627775 AS offset, datetime(e.time / 1000, 'unixepoch') AS at,
        e.event, e.kind, e.data, e.detail
      FROM events e JOIN workspaces w ON w.id = e.id >> 40;
    """
}

/// The row number of a record in `events`.
enum RecordID {
  private static var bits: Int64 { 40 }
  static var offsetMax: Int64 { 1 << bits - 1 }
  static var workspaceMax: Int64 { 1 << (63 - bits) - 1 }

  static func make(_ workspace: Int64, _ offset: UInt64) -> Int64 { workspace << bits | Int64(offset) }
  /// A row number greater than all of the workspace.
  static func end(of workspace: Int64) -> Int64 { workspace << bits | offsetMax }
  static func offset(of id: Int64) -> UInt64 { UInt64(id & offsetMax) }
  static func workspace(of id: Int64) -> Int64 { id >> bits }
}
