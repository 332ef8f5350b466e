/// Decides when to ping a silent peer and when to close its connection. Times are nanoseconds of one monotonic clock.
///
/// A connection has one timer. Arm it for ``nextDeadline``; when it fires, perform what ``deadlineReached(at:)`` returns and
/// arm it for the new ``nextDeadline``. Received bytes do not move the timer; they change what it returns.
package struct KeepAlive {
  package struct Timing: Hashable, Sendable {
    /// Silence after which the peer is pinged.
    package var pingIntervalSeconds: Int
    /// How long after a ping the peer may stay silent.
    package var pongTimeoutSeconds: Int
    /// How long the peer may take to answer our close frame.
    package var closeTimeoutSeconds: Int

    package init(pingIntervalSeconds: Int = 25, pongTimeoutSeconds: Int = 10, closeTimeoutSeconds: Int = 5) {
      self.pingIntervalSeconds = pingIntervalSeconds
      self.pongTimeoutSeconds = pongTimeoutSeconds
      self.closeTimeoutSeconds = closeTimeoutSeconds
    }
  }

  private enum State {
    case listening
    case pinged
    case closing
  }

  private let timing: Timing
  private var state = State.listening
  private var lastHeard: Int64
  /// When ``deadlineReached(at:)`` is to be called.
  package private(set) var nextDeadline: Int64

  package init(timing: Timing = Timing(), openedAt now: Int64) {
    self.timing = timing
    lastHeard = now
    nextDeadline = now + Self.nanoseconds(timing.pingIntervalSeconds)
  }

  /// Any bytes count as a sign of life, a pong among them.
  package mutating func bytesReceived(at now: Int64) {
    lastHeard = now
    switch state {
    case .listening, .closing: return
    case .pinged: state = .listening
    }
  }

  /// The peer takes queued bytes. A ping or a close frame can be among those left, so no answer is due yet.
  package mutating func bytesTaken(at now: Int64) {
    bytesReceived(at: now)
    switch state {
    case .listening, .pinged: return
    case .closing: nextDeadline = now + Self.nanoseconds(timing.closeTimeoutSeconds)
    }
  }

  /// Our close frame has been sent; from now on only the close timeout counts.
  package mutating func closeStarted(at now: Int64) {
    switch state {
    case .closing: return
    case .listening, .pinged:
      state = .closing
      nextDeadline = now + Self.nanoseconds(timing.closeTimeoutSeconds)
    }
  }

  package enum OnDeadline: Hashable, Sendable {
    /// Bytes were received since, or the timer was early: only arm it again.
    case rearm
    case sendPing
    /// No sign of life after a ping: close with the code for it.
    case pongTimedOut
    /// No answer to our close frame: close the transport.
    case closeTimedOut
  }

  package mutating func deadlineReached(at now: Int64) -> OnDeadline {
    switch state {
    case .listening:
      return silenceDeadlineReached(at: now)
    case .pinged:
      return now < nextDeadline ? .rearm : .pongTimedOut
    case .closing:
      return now < nextDeadline ? .rearm : .closeTimedOut
    }
  }

  private mutating func silenceDeadlineReached(at now: Int64) -> OnDeadline {
    nextDeadline = lastHeard + Self.nanoseconds(timing.pingIntervalSeconds)
    guard now >= nextDeadline else { return .rearm }
    state = .pinged
    nextDeadline = now + Self.nanoseconds(timing.pongTimeoutSeconds)
    return .sendPing
  }

  private static func nanoseconds(_ seconds: Int) -> Int64 {
    Int64(seconds) * 1_000_000_000
  }
}
