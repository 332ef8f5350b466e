#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What the system allows this process to have of files.
enum FileLimit {
  /// Raises the number of files that may be open to what the system allows without further rights: each connection takes
  /// one. Where that fails it stays as it is.
  /// - Returns: how many files may be open; nil if the system does not say, or does not limit them.
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

  /// A file that may not get longer is an error like a full disk, not the end of the process.
  static func surviveFileSize() {
    signal(SIGXFSZ, SIG_IGN)
  }
}
