#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What the system allows this process to have of files.
enum FileLimit {
  /// Raises the number of files that may be open to what the system allows without further rights: each connection takes
  /// one. Where that fails it stays as it is.
  static func raise() {
    var limit = rlimit()
    #if canImport(Glibc)
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let resource = RLIMIT_NOFILE
    #endif
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(resource, &limit)
  }

  /// A file that may not get longer is an error like a full disk, not the end of the process.
  static func surviveFileSize() {
    signal(SIGXFSZ, SIG_IGN)
  }
}
