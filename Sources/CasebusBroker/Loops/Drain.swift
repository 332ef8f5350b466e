import NIOCore

/// Stopping: the sessions of a loop are closed in batches, so that neither this broker nor the one that they connect to next
/// has them all at once.
struct Drain {
  /// The time between two batches.
  static var batchInterval: TimeAmount { .milliseconds(100) }
  /// A batch has at least so many sessions, however much time there is.
  static var batchSessionsMin: Int { 50 }

  private var rest: ArraySlice<UInt64>
  let batchSize: Int

  /// - Parameters:
  ///   - sessions: the numbers of the sessions.
  ///   - time: the last batch begins when four fifths of it are over.
  init(_ sessions: [UInt64], within time: TimeAmount) {
    let batches = max(1, time.nanoseconds * 4 / 5 / Self.batchInterval.nanoseconds)
    rest = sessions[...]
    batchSize = max(Self.batchSessionsMin, sessions.count / Int(batches) + 1)
  }

  /// Whether another batch is to be taken after ``batchInterval``.
  var isOver: Bool { rest.isEmpty }

  /// The numbers of the sessions that are to be closed now.
  mutating func takeBatch() -> ArraySlice<UInt64> {
    defer { rest = rest.dropFirst(batchSize) }
    return rest.prefix(batchSize)
  }
}
