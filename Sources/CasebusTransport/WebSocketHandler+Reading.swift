import CasebusWebSocket
public import NIOCore

/// Reading pauses while whoever gets the messages cannot keep up; TCP then holds back the peer.
extension WebSocketHandler {
  public func read(context: ChannelHandlerContext) {
    if isPaused {
      isReadPending = true
    } else {
      context.read()
    }
  }

  public func pauseReading() {
    isPaused = true
  }

  public func resumeReading() {
    guard isPaused else { return }
    isPaused = false
    // What the peer sent during the pause was not looked at: it may have been alive all the time.
    keepAlive.bytesReceived(at: Self.now)
    drain()
    guard !isPaused, isReadPending else { return }
    isReadPending = false
    context?.read()
  }
}
