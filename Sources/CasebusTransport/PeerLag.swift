/// What is kept of a connection whose peer is behind: what of its backlog are long messages, and whether it takes any of it.
///
/// A peer is slow when it takes nothing, or when more comes than it can take; not because one answer is long. Positions are
/// bytes since the connection was opened, times nanoseconds of one monotonic clock.
final class PeerLag {
  /// What a peer must take within a deadline, or it counts as one that takes nothing (`outboundProgressBytesMin` of
  /// `registry/limits.json`). Less may wait for an acknowledgement of the network at any time.
  static var progressBytesMin: Int { 16_384 }

  private struct Look {
    var takenBytes: Int
    var waitingBytes: Int
  }

  private(set) var longMessages: [Range<Int>] = []
  private var lastLook: Look?
  /// Until when the peer must have taken something; nil while not more waits than may.
  private(set) var stallDeadline: Int64?

  // MARK: Long messages

  /// - Parameters:
  ///   - positions: where in the stream the message is.
  ///   - waiting: where in the stream what waits begins; long messages before it are forgotten.
  func longMessageAdded(at positions: Range<Int>, waitingFrom waiting: Int) {
    forgetLongMessages(before: waiting)
    longMessages.append(positions)
  }

  /// How many bytes of what waits are of long messages.
  /// - Parameter waiting: where in the stream that is which was sent and waits.
  func longBytes(in waiting: Range<Int>) -> Int {
    forgetLongMessages(before: waiting.lowerBound)
    return longMessages.reduce(0) { $0 + $1.clamped(to: waiting).count }
  }

  private func forgetLongMessages(before position: Int) {
    guard let first = longMessages.first, first.upperBound <= position else { return }
    longMessages.removeAll { $0.upperBound <= position }
  }

  // MARK: Progress

  /// Looks whether the peer has taken enough of what waited since it last had. While little waits nobody can tell.
  /// - Parameters:
  ///   - sentBytes: what was sent in all.
  ///   - waitingBytes: what of it the peer has not taken, here and in the kernel.
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

  /// More waits than may, which is tolerated until the deadline or until the peer takes something.
  func tolerated(until deadline: Int64) {
    stallDeadline = stallDeadline ?? deadline
  }

  func progressed(until deadline: Int64) {
    if stallDeadline != nil { stallDeadline = deadline }
  }

  /// No more waits than may, or the connection is closing.
  func toleranceEnded() {
    stallDeadline = nil
  }
}

@available(*, unavailable)
extension PeerLag: Sendable {}
