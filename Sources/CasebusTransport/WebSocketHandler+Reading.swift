import CasebusWebSocket
package import NIOCore

/// Reading pauses while the receiver of the messages cannot keep up; TCP then holds back the peer.
extension WebSocketHandler {
  package func read(context: ChannelHandlerContext) {
    if isPaused {
      isReadPending = true
    } else {
      context.read()
    }
  }

  package func pauseReading() {
    isPaused = true
  }

  package func resumeReading() {
    guard isPaused else { return }
    isPaused = false
    // What the peer sent during the pause was not read: it can have been alive all the time.
    keepAlive.bytesReceived(at: Self.now)
    drain()
    guard !isPaused, isReadPending else { return }
    isReadPending = false
    context?.read()
  }
}
