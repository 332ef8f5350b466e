package import struct NIOCore.ByteBuffer

/// One WebSocket connection after the opening handshake (RFC 6455, RFC 7692), without I/O, clock or randomness.
///
/// Pass received bytes to ``receive(_:at:)``, then drain the connection: call ``nextEvent()`` until it returns nil, and
/// after each call write what ``nextOutbound()`` returns. Each call parses only up to the next event, so an answer sent
/// between two events precedes the reaction to later bytes. When ``isClosed`` becomes true, flush and close the transport
/// (a client first waits a moment for the server to do so, RFC 6455 §7.1.1).
///
/// A drained connection between messages has no buffer.
public struct WebSocketConnection {
  @usableFromInline
  enum State {
    case open
    /// Our close frame is out; the peer's has not come (RFC 6455 §7.1.2).
    case closeSent
    /// The closing handshake is complete, or the connection has failed: nothing more is read or sent.
    case closed
  }

  enum Reading {
    case header(FrameHeaderParser)
    case payload(FramePayload)
  }

  // Read with every write, so it comes first.
  @usableFromInline var state = State.open

  let role: WebSocketRole
  let limits: WebSocketLimits
  let compression: MessageCompression?

  var input = ByteBuffer()
  var outbound = ByteBuffer()
  var reading = Reading.header(FrameHeaderParser())
  /// The unfinished message; control frames can come between its frames.
  var message: IncomingMessage?
  /// The received part of the current control frame.
  var controlPayload = ByteBuffer()
  var inflater: (any MessageInflater)?
  var pingRate = PingRate()
  var nowNanoseconds: Int64 = 0

  /// - Parameter compression: permessage-deflate as agreed on in the opening handshake; nil without it.
  package init(role: WebSocketRole, limits: WebSocketLimits = WebSocketLimits(), compression: MessageCompression? = nil)
  {
    self.role = role
    self.limits = limits
    self.compression = compression
  }

  /// Neither side has begun to close.
  ///
  /// Inlined, because a call from another module would copy the whole connection with each delivery. Public, because the
  /// compiler inlines only what is public into other modules.
  @inlinable public var isOpen: Bool {
    switch state {
    case .open: true
    case .closeSent, .closed: false
    }
  }

  /// Nothing more will be read or sent: the transport can be closed once the outbound bytes are out.
  package var isClosed: Bool {
    switch state {
    case .closed: true
    case .open, .closeSent: false
    }
  }

  /// The agreed parameters of permessage-deflate; a message that was compressed elsewhere must conform to them.
  package var deflateAgreement: DeflateAgreement? { compression?.agreement }

  /// Takes the received bytes; `buffer` is then empty. After the end of the connection they are
  /// discarded (RFC 6455 §1.4, §7.1.7).
  ///
  /// - Parameter nowNanoseconds: a monotonic clock; only differences matter.
  package mutating func receive(_ buffer: inout ByteBuffer, at nowNanoseconds: Int64) {
    defer { buffer = ByteBuffer() }
    guard !isClosed else { return }
    self.nowNanoseconds = nowNanoseconds
    if input.readableBytes == 0 {
      swap(&input, &buffer)
    } else {
      input.writeBuffer(&buffer)
    }
  }

  /// The machine's own output (pongs, close frames) since the last call.
  package mutating func nextOutbound() -> ByteBuffer? {
    guard outbound.readableBytes > 0 else { return nil }
    let bytes = outbound
    outbound = ByteBuffer()
    return bytes
  }
}
