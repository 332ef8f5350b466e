import Synchronization

/// The bytes that wait for peers which do not take them, over all connections of a server.
///
/// A connection takes part in it only while it lags behind, so that the others pay nothing. Where the whole is too
/// large, the loop that notices cuts off the slowest of its own connections.
final class OutboundBacklog: Sendable {
  private let bytesMax: Int
  private let total = Atomic(0)
  private let byLoop = Mutex<[ObjectIdentifier: LaggingConnections]>([:])

  /// - Parameter bytesMax: `outboundTotalBytesMax` of `registry/limits.json`.
  init(bytesMax: Int) {
    self.bytesMax = bytesMax
  }

  /// A connection of this loop has now `new` bytes waiting, after `old`; 0 when it does not lag (any more).
  func changed(_ connection: WebSocketHandler, from old: Int, to new: Int) {
    total.add(new - old, ordering: .relaxed)
    let lagging = lagging(onLoopOf: connection)
    lagging.connections[ObjectIdentifier(connection)] = new > 0 ? connection : nil
    while new > old, total.load(ordering: .relaxed) > bytesMax, let slowest = lagging.slowest {
      slowest.cutOffAsSlow(
        reason: "more than \(bytesMax) bytes wait to be read by all sessions (outboundTotalBytesMax)")
    }
  }

  private func lagging(onLoopOf connection: WebSocketHandler) -> LaggingConnections {
    let loop = ObjectIdentifier(connection.eventLoop)
    return byLoop.withLock { byLoop in
      if let lagging = byLoop[loop] { return lagging }
      let new = LaggingConnections()
      byLoop[loop] = new
      return new
    }
  }
}

/// The connections of one event loop whose peers are behind.
///
/// Unchecked: found by its loop, it is used on that loop only.
private final class LaggingConnections: @unchecked Sendable {
  var connections: [ObjectIdentifier: WebSocketHandler] = [:]

  var slowest: WebSocketHandler? { connections.values.max { $0.backlogBytes < $1.backlogBytes } }
}
