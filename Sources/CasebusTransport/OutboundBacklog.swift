import NIOCore
import Synchronization

/// The bytes that wait for peers which do not take them, over all connections of a server.
///
/// A connection takes part in it only while it lags behind, so that the others pay nothing. Where the whole is too
/// large, the loop that notices cuts off the slowest of its own connections.
final class OutboundBacklog: Sendable {
  private let bytesMax: Int
  private let total = Atomic(0)
  private let byLoop = PerLoop { _ in LaggingConnections() }

  /// - Parameter bytesMax: `outboundTotalBytesMax` of `registry/limits.json`.
  init(bytesMax: Int) {
    self.bytesMax = bytesMax
  }

  /// A connection of this loop has now `new` bytes waiting, after `old`; 0 when it does not lag (any more).
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
