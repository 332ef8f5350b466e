#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How many files this process may open: each connection takes one.
enum FileLimit {
  /// Raises the limit to what the system allows without further rights. Where that fails it stays as it is.
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
}
