package import CasebusProtocol
import CasebusSocket
import CasebusTLS
package import CasebusWebSocket
package import NIOCore

/// The shell around a `WebSocketConnection`: reads, lets the machine decide, and does what it says.
///
/// The last handler of an upgraded channel. Everything in it runs on the channel's event loop.
package final class WebSocketHandler: ChannelDuplexHandler {
  package typealias InboundIn = ByteBuffer
  package typealias OutboundIn = ByteBuffer
  package typealias OutboundOut = ByteBuffer

  // What every write reads comes first: `FanoutGroup` prefetches these bytes into the processor's cache.
  /// The socket; without TLS only.
  var output = SocketOutput()
  /// Whether the connection lags.
  var isLagging = false
  /// Encrypts what this handler writes; nil without TLS.
  let tls: TLSHandler?
  /// The frames of this tick that were not sent yet.
  var gathered = ByteBuffer()
  var bytesSent = 0
  var connection: WebSocketConnection
  /// Called when the peer does not lag any more.
  var waitingForRoom: [() -> Void] = []
  var keepAlive: KeepAlive
  var timerPlace: TimerWheel.Place?
  let timers: TimerWheel
  var context: ChannelHandlerContext?
  /// How the connection ends; nil while that is not known.
  var closure: ConnectionClosure?
  /// The code and reason of the peer's close frame (RFC 6455 §7.1.5, §7.1.6); nil until it is received.
  package private(set) var peerClosure: ConnectionClosure?
  var isPaused = false
  /// The channel wanted to read during the pause.
  var isReadPending = false
  /// The queued bytes while the connection lags; 0 otherwise.
  var backlogBytes = 0
  var lagPlace: LaggingConnections.Place?
  /// nil while the peer does not lag, which is nearly always.
  var lag: PeerLag?
  let configuration: ConnectionConfiguration
  let backlog: OutboundBacklog
  private var receiver: (any MessageReceiver)?

  /// - Parameters:
  ///   - connection: has sent and received nothing yet.
  ///   - backlog: counts the queued bytes of the server's lagging connections.
  ///   - timers: those of the channel's event loop.
  ///   - tls: the handler of the same channel that encrypts.
  init(
    connection: WebSocketConnection, configuration: ConnectionConfiguration, backlog: OutboundBacklog,
    timers: TimerWheel, tls: TLSHandler? = nil
  ) {
    self.tls = tls
    self.connection = connection
    self.configuration = configuration
    self.backlog = backlog
    self.timers = timers
    keepAlive = KeepAlive(timing: configuration.timing, openedAt: Self.now)
  }

  /// The event loop of this connection. Valid after the handler was added to a channel.
  package var eventLoop: any EventLoop {
    guard let context else { preconditionFailure("the handler is in no channel") }
    return context.eventLoop
  }

  static var now: Int64 { Int64(NIODeadline.now().uptimeNanoseconds) }

  /// The negotiated permessage-deflate; nil without it.
  package var deflateAgreement: DeflateAgreement? { connection.deflateAgreement }
}

// MARK: - From the channel

extension WebSocketHandler {
  /// Starts: from now on the receiver gets the received messages.
  func open(_ receiver: any MessageReceiver) {
    self.receiver = receiver
    startTimer()
  }

  package func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if tls == nil { output.open(context.channel) }
    setWaterMark(context)
  }

  package func handlerRemoved(context: ChannelHandlerContext) {
    connectionEnded()
    self.context = nil
  }

  package func channelInactive(context: ChannelHandlerContext) {
    connectionEnded()
    context.fireChannelInactive()
  }

  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    let now = Self.now
    keepAlive.bytesReceived(at: now)
    connection.receive(&bytes, at: now)
    drain()
  }

  /// Handles the complete part of the received bytes. An answer is sent before the effects of later bytes.
  func drain() {
    while !isPaused, let event = connection.nextEvent() {
      handle(event)
      sendOutbound()
    }
    sendOutbound()
  }

  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event {
      // The peer sends nothing more, so there can be no closing handshake: RFC 6455 §7.1.1.
      context.close(promise: nil)
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    closure = closure ?? ConnectionClosure(code: WebSocketCloseCode.abnormalClosure.rawValue, reason: "\(error)")
    context.close(promise: nil)
  }

  private func connectionEnded() {
    timers.disarm(self)
    output.close()
    setBacklog(0)
    waitingForRoom = []
    lag = nil
    guard let receiver else { return }
    self.receiver = nil
    var closure = closure ?? .lost
    closure.bytesSent = bytesSent
    receiver.connectionClosed(closure)
  }
}

// MARK: - What the machine says

extension WebSocketHandler {
  private func handle(_ event: WebSocketEvent) {
    switch event {
    case .text(let text): receiver?.textReceived(text)
    case .binary(let bytes): receiver?.binaryReceived(bytes)
    case .ping, .pong: break
    case .closeReceived(let code, let reason):
      let closure = ConnectionClosure(code: code.rawValue, reason: reason)
      peerClosure = closure
      end(closure)
    case .failed(let violation):
      end(ConnectionClosure(code: violation.closeCode.rawValue, reason: violation.reason))
    }
  }

  /// Pongs and close frames that the machine made.
  private func sendOutbound() {
    guard let bytes = connection.nextOutbound() else { return }
    gather(bytes)
    flush()
  }

  /// Sends the last frame, then closes our half of the connection. The other half is read until its end: unread bytes
  /// would make the kernel reset the connection, and the peer could miss the close frame.
  private func end(_ closure: ConnectionClosure) {
    guard let context else { return }
    self.closure = self.closure ?? closure
    closeStarted()
    if let bytes = connection.nextOutbound() { gather(bytes) }
    flush(andThen: { context.close(mode: .output, promise: nil) })
  }
}

// MARK: - To the channel

extension WebSocketHandler {
  /// Begins the closing handshake after what was gathered (RFC 6455 §7.1.2). The peer gets the name of the code and the
  /// reason.
  package func close(_ code: CloseCode, reason: String) {
    let closeCode = WebSocketCloseCode(rawValue: code.rawValue)
    guard connection.startClose(code: closeCode, reason: "\(code.name): \(reason)") == .awaitPeer else { return }
    closure = ConnectionClosure(code: code.rawValue, reason: reason)
    sendOutbound()
    closeStarted()
  }
}

@available(*, unavailable)
extension WebSocketHandler: Sendable {}
