import CasebusProtocol
import CasebusWebSocket
import NIOCore

/// The one timer of a connection, driven by ``KeepAlive``.
extension WebSocketHandler: Timed {
  func startTimer() {
    if context != nil { timers.arm(self, at: keepAlive.nextDeadline) }
  }

  /// A close frame was sent or received: only the end of the connection is waited for now.
  func closeStarted() {
    keepAlive.closeStarted(at: Self.now)
    startTimer()
  }

  func timeReached() {
    if isPaused { keepAlive.bytesReceived(at: Self.now) }
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
