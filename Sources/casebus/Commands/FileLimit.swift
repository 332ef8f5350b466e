#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The system's limits on this process's files.
enum FileLimit {
  /// Raises the soft limit of open files to the hard limit: each connection takes a file. No effect if that fails.
  /// - Returns: the limit of open files; nil if it is unknown, or if there is none.
  static func raise() -> Int? {
    var limit = rlimit()
    #if canImport(Glibc)
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let resource = RLIMIT_NOFILE
    #endif
    guard getrlimit(resource, &limit) == 0 else { return nil }
    if limit.rlim_cur < limit.rlim_max {
      var raised = limit
      raised.rlim_cur = limit.rlim_max
      if setrlimit(resource, &raised) == 0 { limit = raised }
    }
    return limit.rlim_cur == rlim_t.max ? nil : Int(clamping: limit.rlim_cur)
  }

  /// A limit on the size of files is an error like a full disk, not the end of the process.
  static func surviveFileSize() {
    signal(SIGXFSZ, SIG_IGN)
  }
}
