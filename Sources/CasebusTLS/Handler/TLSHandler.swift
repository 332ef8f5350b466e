internal import CasebusSocket
package import NIOCore

/// The shell around a ``TLSSession``, the first handler of a channel: bytes are encrypted below it and plain above it.
///
/// Above it a connection looks as without TLS: writes before the end of the handshake wait for it, the peer's close_notify
/// ends the input, closing the output sends ours, and a write succeeds when the socket has taken it.
package final class TLSHandler: ChannelDuplexHandler {
  package typealias InboundIn = ByteBuffer
  package typealias InboundOut = ByteBuffer
  package typealias OutboundIn = ByteBuffer
  package typealias OutboundOut = ByteBuffer

  /// The settings of a handler.
  package struct Options {
    /// The time for the handshake and the wait for its turn, seconds (`tlsHandshakeTimeoutSeconds`).
    package var handshakeTimeoutSeconds: Int
    /// The gate of the channel's event loop; nil for connections whose handshake begins at once.
    package var gate: HandshakeGate?
    /// Called when a handshake failed, for the log.
    package var onHandshakeFailed: (_ error: TLSError, _ channel: any Channel) -> Void
    /// Makes the timers of a handshake. Cancelling a task of the event loop searches all scheduled ones, which is too slow
    /// for many handshakes at once.
    package var makeTimer: (any EventLoop, TimeAmount, @escaping () -> Void) -> any HandshakeTimer = {
      eventLoop, time, reached in eventLoop.assumeIsolated().scheduleTask(in: time, reached)
    }

    package init(
      handshakeTimeoutSeconds: Int, gate: HandshakeGate? = nil,
      onHandshakeFailed: @escaping (_ error: TLSError, _ channel: any Channel) -> Void = { _, _ in }
    ) {
      self.handshakeTimeoutSeconds = handshakeTimeoutSeconds
      self.gate = gate
      self.onHandshakeFailed = onHandshakeFailed
    }
  }

  enum State {
    /// The channel is not active yet.
    case idle
    /// The gate has not called yet.
    case waiting(Handshake)
    case handshaking(Handshake)
    case open
    /// The handshake failed and the peer is being told; then the connection is closed.
    case lingering(deadline: any HandshakeTimer)
    case closed
  }

  /// How this side stops sending.
  enum Ending {
    /// Data can be sent.
    case open
    /// The queued data is the last; then the output ends and the promise succeeds.
    case waiting(EventLoopPromise<Void>?)
    case ended
  }

  /// The state until the end of the handshake.
  final class Handshake {
    let options: Options
    var deadline: (any HandshakeTimer)?
    /// A turn of the gate was requested and is not granted yet.
    var isTurnPending = false
    /// The channel requested a read while reading is not allowed.
    var isReadPending = false

    init(_ options: Options) {
      self.options = options
    }
  }

  // What every write reads comes first.
  let session: TLSSession
  var output = SocketOutput()
  var state = State.idle
  var plaintext = PlaintextQueue()
  /// Encrypted bytes queued in the channel.
  var ciphertextBytes = 0
  /// For the handler that uses ``send(_:completion:)``: false when more than the high ``waterMark`` is queued for the
  /// peer, until less than the low one is. It does not change before the end of the handshake or after the end of the
  /// output.
  package internal(set) var isWritable = true
  /// Bytes.
  package var waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 32_768, high: 65_536)
  var isSending = false
  var ending = Ending.open
  var context: ChannelHandlerContext?
  /// Before the channel is active; nil afterwards.
  private var handshake: Handshake?

  package init(_ session: TLSSession, _ options: Options) {
    self.session = session
    handshake = Handshake(options)
  }

  /// The subject of the peer's certificate in the form of RFC 2253; nil without one.
  package var peerSubject: String? { session.peerSubject }

  /// The result of the handshake; nil before its completion.
  package var parameters: TLSParameters? {
    if case .open = state { session.parameters } else { nil }
  }
}

// MARK: - From the channel

extension TLSHandler {
  package func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if context.channel.isActive { start() }
  }

  package func handlerRemoved(context: ChannelHandlerContext) {
    end()
    self.context = nil
  }

  package func channelActive(context: ChannelHandlerContext) {
    start()
    context.fireChannelActive()
  }

  package func channelInactive(context: ChannelHandlerContext) {
    output.close()
    inputEnded()
    end()
    context.fireChannelInactive()
  }

  private func start() {
    guard case .idle = state, let handshake, let context else { return }
    self.handshake = nil
    output.open(context.channel)
    state = .waiting(handshake)
    let seconds = handshake.options.handshakeTimeoutSeconds
    handshake.deadline = handshake.options.makeTimer(context.eventLoop, .seconds(Int64(seconds))) {
      self.handshakeFailed(.handshakeTimedOut(seconds: seconds))
    }
    if let gate = handshake.options.gate { gate.enter(self) } else { handshakeMayBegin() }
  }

  package func read(context: ChannelHandlerContext) {
    switch state {
    case .waiting(let handshake):
      handshake.isReadPending = true
    case .handshaking(let handshake) where handshake.isTurnPending:
      handshake.isReadPending = true
    case .idle, .handshaking, .open, .lingering, .closed:
      context.read()
    }
  }

  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    session.receive(&bytes)
    switch state {
    case .open: drain()
    case .handshaking(let handshake): askForTurn(handshake)
    case .idle, .waiting, .lingering, .closed: break
    }
  }

  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event {
      inputEnded()
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch state {
    // Such as a connection that was reset.
    case .waiting, .handshaking: handshakeFailed(.closedDuringHandshake)
    case .idle, .open, .lingering, .closed: context.fireErrorCaught(error)
    }
  }

  /// The transport ended: no more bytes follow.
  private func inputEnded() {
    session.endOfInput()
    switch state {
    case .open, .handshaking: drain()
    case .waiting: handshakeFailed(.closedDuringHandshake)
    case .lingering: closeAtOnce()
    case .idle, .closed: break
    }
  }
}

// MARK: - What the session says

extension TLSHandler {
  /// Handles the complete part of the received bytes.
  func drain() {
    while let event = session.nextEvent() {
      sendOutbound()
      handle(event)
    }
    sendOutbound()
  }

  private func handle(_ event: TLSEvent) {
    switch event {
    case .handshakeCompleted: handshakeCompleted()
    case .data(let bytes): context?.fireChannelRead(wrapInboundOut(bytes))
    case .peerClosed: context?.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    case .failed(let error): failed(error)
    }
  }

  private func failed(_ error: TLSError) {
    guard case .open = state else { return handshakeFailed(error) }
    // Not an error: many clients leave without a close_notify after they received ours.
    if error == .truncated, case .ended = ending {
      context?.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    } else {
      context?.fireErrorCaught(error)
      close()
    }
  }

  func close() {
    context?.close(mode: .all, promise: nil)
  }

  /// The connection has ended for this handler.
  private func end() {
    switch state {
    case .waiting(let handshake): leaveGate(handshake, hadBegun: false)
    case .handshaking(let handshake): leaveGate(handshake, hadBegun: true)
    case .lingering(let deadline): deadline.cancel()
    case .idle, .open, .closed: break
    }
    state = .closed
    output.close()
    dropWaiting(ChannelError.ioOnClosedChannel)
  }
}

@available(*, unavailable)
extension TLSHandler: Sendable {}

/// A timer, which can be cancelled. Used on one event loop.
package protocol HandshakeTimer {
  func cancel()
}

extension Scheduled: HandshakeTimer {}
