import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Locks a directory for one process: an advisory lock that ends with the process, in whatever way that ends.
final class JournalLock: Sendable {
  private let file: Mutex<CInt>

  /// - Throws: ``JournalFileError/inUse(lock:process:)`` if another process holds it.
  init(_ path: String) throws(JournalFileError) {
    // Links are not followed, because the file is written to.
    let file = open(path, O_CREAT | O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw JournalFileError(errno, at: path) }
    do throws(JournalFileError) {
      try FileProtection.protect(file, path)
    } catch {
      close(file)
      throw error
    }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      defer { close(file) }
      throw code == EWOULDBLOCK ? .inUse(lock: path, process: Self.process(in: file)) : JournalFileError(code, at: path)
    }
    // The pid only helps a refused process, so errors are ignored; a full disk is noticed later.
    let text = "\(getpid())\n"
    ftruncate(file, 0)
    _ = text.withCString { pwrite(file, $0, strlen($0), 0) }
    self.file = Mutex(file)
  }

  deinit {
    release()
  }

  /// The file stays: two processes could lock a lock file that is removed.
  func release() {
    file.withLock { file in
      if file >= 0 { close(file) }
      file = -1
    }
  }

  private static func process(in file: CInt) -> Int? {
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = pread(file, &bytes, bytes.count, 0)
    return Int(String(decoding: bytes.prefix(max(0, count)).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
  }
}
