#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The paths of the journal's files.
struct JournalFiles: Sendable {
  let directory: String

  /// The database; SQLite keeps its log (`-wal`) and shared memory (`-shm`) beside it.
  var database: String { directory + "/journal.sqlite" }
  var log: String { database + "-wal" }
  var lock: String { directory + "/journal.lock" }
  /// The file of an import; becomes the database when it is complete.
  var importing: String { directory + "/journal.importing" }
  /// Written to test whether the disk has room.
  var probe: String { directory + "/journal.probe" }

  /// Makes the directory, if it does not exist, for this user only: it holds the data of agents' customers.
  func makeDirectory() throws(JournalFileError) {
    guard mkdir(directory, 0o700) != 0 else { return syncParent() }
    let code = errno
    guard code == EEXIST, isDirectory else { throw JournalFileError(code == EEXIST ? ENOTDIR : code, at: directory) }
    try FileProtection.checkDirectory(directory)
  }

  /// Makes an empty database file, if there is none, for this user only; SQLite gives the files beside it the same
  /// rights.
  func makeDatabase() throws(JournalFileError) {
    let file = open(database, O_CREAT | O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw JournalFileError(errno, at: database) }
    close(file)
  }

  /// Checks that the database and SQLite's files beside it belong to the broker's user, and removes the rights of
  /// others.
  func protectDatabase() throws(JournalFileError) {
    for path in [database, log, database + "-shm", database + "-journal"] { try FileProtection.protectFile(path) }
  }

  /// SQLite takes a very short file for an empty database, and would overwrite it.
  func checkHeader() throws(JournalFileError) {
    let header = "SQLite format 3\0"
    let file = open(database, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw JournalFileError(errno, at: database) }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: header.utf8.count)
    let count = read(file, &bytes, bytes.count)
    guard count >= 0 else { throw JournalFileError(errno, at: database) }
    guard count == 0 || bytes.elementsEqual(header.utf8) else {
      throw .notAJournal(file: database, reason: "it does not begin as a SQLite database does")
    }
  }

  var hasDatabase: Bool {
    access(database, F_OK) == 0
  }

  /// The database and the files beside it that exist, with their sizes in bytes.
  var sizes: [(name: String, bytes: Int64)] {
    [database, log, database + "-shm"].compactMap { path in
      var status = stat()
      return stat(path, &status) == 0 ? (path, Int64(status.st_size)) : nil
    }
  }

  private var isDirectory: Bool {
    var status = stat()
    return stat(directory, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Makes an empty file for an import, for this user only. It replaces one that an earlier import left behind.
  func makeImporting() throws(JournalFileError) {
    unlink(importing)
    let file = open(importing, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw JournalFileError(errno, at: importing) }
    close(file)
  }

  /// Makes the imported file the database, after it is on the disk.
  func completeImport() throws(JournalFileError) {
    let file = open(importing, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
    guard file >= 0 else { throw JournalFileError(errno, at: importing) }
    defer { close(file) }
    guard fchmod(file, 0o600) == 0, fsync(file) == 0, rename(importing, database) == 0 else {
      throw JournalFileError(errno, at: importing)
    }
    sync(directory: directory)
  }

  /// A directory is only as durable as its entry in the directory above. SQLite does the same for its files.
  private func syncParent() {
    sync(directory: directory + "/..")
  }

  private func sync(directory: String) {
    let file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0 else { return }
    fsync(file)
    close(file)
  }
}
