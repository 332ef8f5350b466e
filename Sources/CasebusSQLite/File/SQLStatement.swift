import GRDB
import GRDBSQLite
import struct NIOCore.ByteBuffer

/// A prepared statement of GRDB, bound and stepped directly: GRDB's own interface makes an array of values for the
/// arguments.
///
/// Used on the queue of its connection only.
struct SQLStatement {
  private let statement: Statement
  private let connection: SQLiteConnection
  private var raw: SQLiteStatement { statement.sqliteStatement }
  /// SQLite copies the bytes.
  private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
  /// SQLite does not copy: the bytes must stay valid until the statement has run.
  private static let borrowed: sqlite3_destructor_type? = nil

  /// The statement, compiled once for each connection.
  init(_ db: Database, _ sql: String) throws {
    guard let connection = db.sqliteConnection else { throw DatabaseError(message: "the journal is closed") }
    statement = try db.cachedStatement(sql: sql)
    self.connection = connection
  }

  // MARK: - Arguments, from 1 on

  func bind(_ index: CInt, _ value: Int64) throws {
    try check(sqlite3_bind_int64(raw, index, value))
  }

  func bind(_ index: CInt, _ value: UInt64) throws {
    try bind(index, Int64(clamping: value))
  }

  func bind(_ index: CInt, _ value: Int64?) throws {
    guard let value else { return try bindNull(index) }
    try bind(index, value)
  }

  func bind(_ index: CInt, _ text: String?) throws {
    guard var text else { return try bindNull(index) }
    try text.withUTF8 { try bind(index, UnsafeRawBufferPointer($0)) }
  }

  /// Binds text that is UTF-8 already.
  func bind(_ index: CInt, _ text: ByteBuffer) throws {
    try text.withUnsafeReadableBytes { try bind(index, $0) }
  }

  /// Binds text without a copy. The caller must keep the bytes valid and unchanged until the statement has run, and bind
  /// the argument again before it runs the statement again.
  func bind(_ index: CInt, borrowing text: UnsafeRawBufferPointer) throws {
    try bind(index, text, Self.borrowed)
  }

  private func bind(
    _ index: CInt, _ text: UnsafeRawBufferPointer, _ ownership: sqlite3_destructor_type? = transient
  ) throws {
    // Without an address SQLite would bind NULL, not an empty text.
    guard let start = text.baseAddress, !text.isEmpty else {
      return try check(sqlite3_bind_text(raw, index, "", 0, Self.transient))
    }
    try check(
      sqlite3_bind_text64(
        raw, index, start.assumingMemoryBound(to: CChar.self), sqlite3_uint64(text.count), ownership,
        UInt8(SQLITE_UTF8)))
  }

  func bindNull(_ index: CInt) throws {
    try check(sqlite3_bind_null(raw, index))
  }

  // MARK: - Steps

  /// Runs a statement that returns no rows.
  func run() throws {
    while try step() {}
  }

  /// - Returns: whether there is a row. After the last row, or an error, the statement can be used again.
  func step() throws -> Bool {
    switch sqlite3_step(raw) {
    case SQLITE_ROW: return true
    case SQLITE_DONE:
      sqlite3_reset(raw)
      return false
    case let code:
      let error = error(code)
      sqlite3_reset(raw)
      throw error
    }
  }

  /// Ends reading before the last row.
  func reset() {
    sqlite3_reset(raw)
  }

  private func check(_ code: CInt) throws {
    guard code == SQLITE_OK else { throw error(code) }
  }

  private func error(_ code: CInt) -> DatabaseError {
    DatabaseError(
      resultCode: ResultCode(rawValue: code), message: String(cString: sqlite3_errmsg(connection)),
      sql: statement.sql)
  }
}

// MARK: - Columns, from 0 on

extension SQLStatement {
  func isNull(_ column: CInt) -> Bool { sqlite3_column_type(statement.sqliteStatement, column) == SQLITE_NULL }
  func integer(_ column: CInt) -> Int64 { sqlite3_column_int64(statement.sqliteStatement, column) }
  func offset(_ column: CInt) -> UInt64 { UInt64(clamping: integer(column)) }
  func optionalInteger(_ column: CInt) -> Int64? { isNull(column) ? nil : integer(column) }

  func text(_ column: CInt) -> String {
    String(decoding: bytes(column), as: UTF8.self)
  }

  func optionalText(_ column: CInt) -> String? { isNull(column) ? nil : text(column) }

  func buffer(_ column: CInt) -> ByteBuffer {
    ByteBuffer(bytes: bytes(column))
  }

  /// Valid until the next step.
  private func bytes(_ column: CInt) -> UnsafeRawBufferPointer {
    // The pointer before the length: asking for the text may change it.
    let start = sqlite3_column_text(statement.sqliteStatement, column)
    return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement.sqliteStatement, column)))
  }
}
