import CasebusProtocol
import CasebusWebSocket
import NIOCore

/// The one timer of a connection, for ``KeepAlive`` and for a peer that lags.
extension WebSocketHandler: Timed {
  func startTimer() {
    guard context != nil else { return }
    timers.arm(self, at: min(keepAlive.nextDeadline, lag?.stallDeadline ?? .max))
  }

  /// A close frame was sent or received: only the end of the connection can follow.
  func closeStarted() {
    lag?.toleranceEnded()
    _ = lookAtPeer()
    keepAlive.closeStarted(at: Self.now)
    startTimer()
  }

  /// The queue is above its limit. If the peer takes nothing of it until a deadline, the connection ends.
  func tolerateBacklog() {
    guard let lag, lag.stallDeadline == nil else { return }
    _ = lookAtPeer()
    lag.tolerated(until: stallDeadline)
    startTimer()
  }

  func timeReached() {
    // Input is not read during a pause, so it cannot show that the peer is alive. Taking queued bytes shows it.
    if isPaused, untakenBytes < PeerLag.progressBytesMin { keepAlive.bytesReceived(at: Self.now) }
    if lookAtPeer() {
      keepAlive.bytesTaken(at: Self.now)
      lag?.progressed(until: stallDeadline)
    }
    if let deadline = lag?.stallDeadline, deadline <= Self.now {
      if isBacklogTooLong { return cutOffAsStalled() }
      // The peer has taken enough since; for the rest the usual time applies.
      lag?.toleranceEnded()
    }
    // While a peer's messages wait until it takes its answers, nothing is written to it and it is not pinged.
    if connection.isOpen, isBacklogTooLong { tolerateBacklog() }
    keepAliveDeadlineReached()
  }

  private func keepAliveDeadlineReached() {
    switch keepAlive.deadlineReached(at: Self.now) {
    case .rearm: break
    case .sendPing:
      guard let ping = connection.sendPing() else { break }
      gather(ping)
      flush()
    case .pongTimedOut: return close(.pingTimeout, reason: "no answer to a ping")
    case .closeTimedOut:
      context?.close(promise: nil)
      return
    }
    startTimer()
  }
}

// MARK: - A peer that is behind

extension WebSocketHandler {
  private var stallDeadline: Int64 { Self.now + Int64(configuration.outboundStallSeconds) * 1_000_000_000 }

  /// - Returns: whether the peer takes its queued bytes.
  private func lookAtPeer() -> Bool {
    let untakenBytes = untakenBytes
    guard lag != nil || untakenBytes >= PeerLag.progressBytesMin else { return false }
    let lag = self.lag ?? PeerLag()
    let hasProgressed = lag.look(sentBytes: bytesSent, waitingBytes: untakenBytes)
    self.lag = untakenBytes > 0 || gathered.readableBytes > 0 ? lag : nil
    return hasProgressed
  }

  private func cutOffAsStalled() {
    let limits = "\(configuration.outboundQueueBytesMax) bytes (outboundQueueBytesMax)"
    cutOffAsSlow(
      reason: """
        more than \(limits) wait to be read, and nearly nothing was in \(configuration.outboundStallSeconds) s \
        (outboundStallSeconds)
        """)
  }
}
