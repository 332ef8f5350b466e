import NIOCore
import Synchronization

/// The queued bytes of all lagging connections of a server.
///
/// Only lagging connections are counted, so that the others pay nothing. If the sum is too large, the loop that notices
/// it cuts off the slowest of its own connections.
final class OutboundBacklog: Sendable {
  private let bytesMax: Int
  private let total = Atomic(0)
  private let byLoop = PerLoop { _ in LaggingConnections() }

  /// - Parameter bytesMax: `outboundTotalBytesMax` of `registry/limits.json`.
  init(bytesMax: Int) {
    self.bytesMax = bytesMax
  }

  /// A connection of this loop now has `new` queued bytes and had `old`; 0 when it does not lag (any more).
  func changed(_ connection: some Lagging, on eventLoop: (any EventLoop)?, from old: Int, to new: Int) {
    total.add(new - old, ordering: .relaxed)
    guard let eventLoop else { return }
    let lagging = byLoop.value(on: eventLoop)
    lagging.set(connection, to: new)
    while new > old, total.load(ordering: .relaxed) > bytesMax, let slowest = lagging.slowest {
      slowest.cutOffAsSlow(
        reason: "more than \(bytesMax) bytes wait to be read by all sessions (outboundTotalBytesMax)")
    }
  }
}
