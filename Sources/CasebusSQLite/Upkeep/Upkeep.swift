/// The background tasks of a journal.
final class Upkeep: Sendable {
  private let tasks: [Task<Void, Never>]

  init(
    _ retention: Retention, every pruneSeconds: Int64, now: @escaping @Sendable () -> Int64, _ probe: Probe,
    every probeMilliseconds: Int64
  ) {
    tasks = [
      Task(priority: .utility) { await Self.repeatedly(.seconds(pruneSeconds)) { await retention.sweep(now: now()) } },
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
