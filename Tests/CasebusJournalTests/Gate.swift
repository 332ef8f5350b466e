import Dispatch

/// A place where a thread waits until the test lets it pass.
final class Gate: Sendable {
  private let reached = AsyncStream<Void>.makeStream()
  private let semaphore = DispatchSemaphore(value: 0)

  /// Waits, at most ten seconds.
  /// - Returns: whether the gate was opened.
  @discardableResult
  func pass() -> Bool {
    reached.continuation.finish()
    return semaphore.wait(timeout: .now() + .seconds(10)) == .success
  }

  /// Returns when a thread waits at the gate.
  func isReached() async { for await _ in reached.stream {} }

  func open() { semaphore.signal() }
}
