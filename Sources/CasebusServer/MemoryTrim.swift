import FoundationEssentials
import ServiceLifecycle

#if canImport(Glibc)
  import CMalloc
  import Glibc
#endif

/// Gives memory back to the system after a burst: the C library would keep what sessions, queues and batches held, for
/// all time (Docs/internals/fan-out.md).
struct MemoryTrim: Service {
  /// How often it looks, which takes a few hundred microseconds, on no event loop.
  private static var interval: Duration { .seconds(5) }
  /// Giving back takes some milliseconds in which no thread gets memory, so that it must be worth it.
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

  /// - Parameter unused: what was resident without being in use when memory was last given back.
  /// - Returns: the same from now on.
  private static func trim(since unused: Int) -> Int {
    guard unusedBytes - unused >= worthwhileBytes else { return min(unused, unusedBytes) }
    #if canImport(Glibc)
      malloc_trim(0)
    #endif
    return unusedBytes
  }

  /// What is resident and not in use: the program itself, and what the C library keeps. 0 where that is not known.
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
