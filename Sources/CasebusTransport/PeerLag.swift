/// The state of a lagging connection: how much of its queue is long messages, and whether the peer takes any of it.
///
/// A peer is slow if it takes nothing, or if more is sent than it can take; not because one answer is long. Stream
/// offsets are bytes since the connection was opened; times are nanoseconds of one monotonic clock.
final class PeerLag {
  /// What a peer must take within a deadline to count as reading (`outboundProgressBytesMin` of
  /// `registry/limits.json`). Fewer bytes can be unacknowledged in the network at any time.
  static var progressBytesMin: Int { 16_384 }

  private struct Look {
    var takenBytes: Int
    var waitingBytes: Int
  }

  private(set) var longMessages: [Range<Int>] = []
  private var lastLook: Look?
  /// When the peer must have taken something; nil while the queue is within its limit.
  private(set) var stallDeadline: Int64?

  // MARK: Long messages

  /// - Parameters:
  ///   - positions: the range of the message in the stream.
  ///   - waiting: where the queued bytes begin in the stream; long messages before it are forgotten.
  func longMessageAdded(at positions: Range<Int>, waitingFrom waiting: Int) {
    forgetLongMessages(before: waiting)
    longMessages.append(positions)
  }

  /// How many of the queued bytes belong to long messages.
  /// - Parameter waiting: the range of the queued bytes in the stream.
  func longBytes(in waiting: Range<Int>) -> Int {
    forgetLongMessages(before: waiting.lowerBound)
    return longMessages.reduce(0) { $0 + $1.clamped(to: waiting).count }
  }

  private func forgetLongMessages(before position: Int) {
    guard let first = longMessages.first, first.upperBound <= position else { return }
    longMessages.removeAll { $0.upperBound <= position }
  }

  // MARK: Progress

  /// Checks whether the peer has taken enough since the last progress. With few queued bytes nothing can be concluded.
  /// - Parameters:
  ///   - sentBytes: all bytes that were sent.
  ///   - waitingBytes: how many of them the peer has not taken, in this process and in the kernel.
  func look(sentBytes: Int, waitingBytes: Int) -> Bool {
    let look = Look(takenBytes: sentBytes - waitingBytes, waitingBytes: waitingBytes)
    guard let last = lastLook, last.waitingBytes >= Self.progressBytesMin else {
      lastLook = look
      return false
    }
    guard look.takenBytes - last.takenBytes >= Self.progressBytesMin else { return false }
    lastLook = look
    return true
  }

  /// The queue is above its limit. That is tolerated until the deadline, which moves when the peer takes something.
  func tolerated(until deadline: Int64) {
    stallDeadline = stallDeadline ?? deadline
  }

  func progressed(until deadline: Int64) {
    if stallDeadline != nil { stallDeadline = deadline }
  }

  /// The queue is within its limit again, or the connection is closing.
  func toleranceEnded() {
    stallDeadline = nil
  }
}

@available(*, unavailable)
extension PeerLag: Sendable {}
