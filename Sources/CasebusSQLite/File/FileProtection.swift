#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Protects the data of agents' customers: only the broker's user can read the files, and nobody else can replace them.
enum FileProtection {
  private static var permissions: mode_t { 0o7777 }
  private static var othersMayWrite: mode_t { 0o022 }
  private static var othersMayDoAnything: mode_t { 0o077 }

  /// - Throws: ``JournalFileError/unsafe(path:reason:)`` if another user owns the directory or can write to it: then
  ///   that user could replace the journal's files.
  static func checkDirectory(_ path: String) throws(JournalFileError) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw JournalFileError(errno, at: path) }
    try checkOwner(status, path)
    guard status.st_mode & othersMayWrite == 0 else {
      let mode = String(status.st_mode & permissions, radix: 8)
      throw .unsafe(path: path, reason: "others may write to it (mode \(mode)), expected 700: chmod 700 it")
    }
  }

  /// Removes the rights of other users to a file. No effect if the file does not exist.
  /// - Throws: ``JournalFileError/unsafe(path:reason:)`` if it is not a regular file of the broker's user.
  static func protectFile(_ path: String) throws(JournalFileError) {
    let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT { return }
      throw JournalFileError(errno, at: path)
    }
    defer { close(file) }
    try protect(file, path)
  }

  /// The same for an open file.
  static func protect(_ file: CInt, _ path: String) throws(JournalFileError) {
    var status = stat()
    guard fstat(file, &status) == 0 else { throw JournalFileError(errno, at: path) }
    try checkOwner(status, path)
    guard status.st_mode & S_IFMT == S_IFREG else { throw .unsafe(path: path, reason: "it is not a file: remove it") }
    guard status.st_nlink == 1 else {
      throw .unsafe(path: path, reason: "it is the same file as another one (\(status.st_nlink) hard links): remove it")
    }
    guard status.st_mode & othersMayDoAnything == 0 || fchmod(file, 0o600) == 0 else {
      throw JournalFileError(errno, at: path)
    }
  }

  private static func checkOwner(_ status: stat, _ path: String) throws(JournalFileError) {
    guard status.st_uid != geteuid() else { return }
    throw .unsafe(
      path: path,
      reason: "it belongs to user \(status.st_uid), this program runs as user \(geteuid()): "
        + "run it as that user, or choose another --data")
  }
}
