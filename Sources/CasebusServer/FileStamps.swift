#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What tells that a file is another one, or has other content; a file that cannot be seen is one that is not there.
struct FileStamps: Hashable {
  private struct Stamp: Hashable {
    var device: UInt64
    var inode: UInt64
    var size: Int64
    var seconds: Int
    var nanoseconds: Int
  }

  private let stamps: [Stamp?]

  init(of files: [String]) {
    stamps = files.map(Self.stamp)
  }

  private static func stamp(of file: String) -> Stamp? {
    var status = stat()
    guard stat(file, &status) == 0 else { return nil }
    let changed = status.st_mtim
    return Stamp(
      device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size), seconds: changed.tv_sec,
      nanoseconds: changed.tv_nsec)
  }
}
