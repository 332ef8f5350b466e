import FoundationEssentials
import ServiceLifecycle

#if canImport(Glibc)
  import CMalloc
  import Glibc
#endif

/// Returns memory to the system after a burst: the C library would keep the freed memory of sessions, queues and
/// batches for ever (Docs/internals/fan-out.md).
struct MemoryTrim: Service {
  /// How often it checks. A check takes a few hundred microseconds, not on an event loop.
  private static var interval: Duration { .seconds(5) }
  /// Returning memory takes some milliseconds in which no thread can allocate, so it must be worth it.
  private static var worthwhileBytes: Int { 8 << 20 }

  func run() async throws {
    try? await cancelWhenGracefulShutdown {
      var unusedBytes = Self.unusedBytes
      while true {
        try await Task.sleep(for: Self.interval)
        unusedBytes = Self.trim(since: unusedBytes)
      }
    }
  }

  /// - Parameter unused: the unused resident bytes after memory was last returned.
  /// - Returns: the new value of `unused`.
  private static func trim(since unused: Int) -> Int {
    guard unusedBytes - unused >= worthwhileBytes else { return min(unused, unusedBytes) }
    #if canImport(Glibc)
      malloc_trim(0)
    #endif
    return unusedBytes
  }

  /// The resident bytes that are not in use: the program itself, and what the C library keeps. 0 if that is not known.
  private static var unusedBytes: Int {
    #if canImport(Glibc)
      // The second number is the resident pages (proc(5)).
      let numbers = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
      guard let numbers, numbers.count > 1, let pages = Int(numbers[1]) else { return 0 }
      return pages * sysconf(Int32(_SC_PAGESIZE)) - Int(mallinfo2().uordblks)
    #else
      return 0
    #endif
  }
}
