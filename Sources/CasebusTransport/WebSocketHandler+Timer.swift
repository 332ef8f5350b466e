import CasebusProtocol
import CasebusWebSocket
import NIOCore

/// The one timer of a connection, driven by ``KeepAlive``.
extension WebSocketHandler {
  func startTimer() {
    guard let context else { return }
    timer?.cancel()
    let deadline = NIODeadline.uptimeNanoseconds(UInt64(keepAlive.nextDeadline))
    timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.deadlineReached() }
  }

  /// A close frame was sent or received: only the end of the connection is waited for now.
  func closeStarted() {
    keepAlive.closeStarted(at: Self.now)
    startTimer()
  }

  private func deadlineReached() {
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
