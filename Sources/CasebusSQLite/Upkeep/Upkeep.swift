#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a journal does beside its work, until it is forgotten.
final class Upkeep: Sendable {
  private let tasks: [Task<Void, Never>]

  init(_ retention: Retention, every pruneSeconds: Int64, _ probe: Probe, every probeMilliseconds: Int64) {
    tasks = [
      Task(priority: .utility) { await Self.repeatedly(.seconds(pruneSeconds)) { await retention.sweep(now: .now) } },
      Task { await Self.repeatedly(.milliseconds(probeMilliseconds)) { await probe.run() } },
    ]
  }

  deinit {
    cancel()
  }

  func cancel() {
    for task in tasks { task.cancel() }
  }

  private static func repeatedly(_ interval: Duration, _ body: () async -> Void) async {
    while (try? await Task.sleep(for: interval)) != nil { await body() }
  }
}

extension Int64 {
  /// The wall clock, milliseconds since 1970.
  fileprivate static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}
