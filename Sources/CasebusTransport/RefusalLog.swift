import Logging
import NIOCore
import Synchronization

/// Logs that connections are refused because there are too many, but not each one: refused clients come again.
final class RefusalLog: Sendable {
  private struct State {
    /// When the last line was written.
    var lastAt: NIODeadline?
    /// Connections refused since then.
    var count = 0
  }

  private static var interval: TimeAmount { .minutes(1) }

  private let state = Mutex(State())
  private let now: @Sendable () -> NIODeadline

  init(now: @escaping @Sendable () -> NIODeadline = { .now() }) {
    self.now = now
  }

  func refused(_ reason: String, _ logger: Logger) {
    let now = now()
    let count: Int? = state.withLock { state in
      state.count += 1
      if let last = state.lastAt, now - last < Self.interval { return nil }
      defer { state = State(lastAt: now) }
      return state.count
    }
    guard let count else { return }
    logger.warning("connections are refused", metadata: ["reason": "\(reason)", "refused": "\(count)"])
  }
}
