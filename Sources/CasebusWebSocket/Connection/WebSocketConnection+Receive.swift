internal import struct NIOCore.ByteBuffer

extension WebSocketConnection {
  /// Parses up to the next event.
  ///
  /// - Returns: nil when the bytes received so far hold no further event.
  package mutating func nextEvent() -> WebSocketEvent? {
    guard !isClosed else { return nil }
    do throws(WebSocketViolation) {
      if let event = try readOn() { return event }
    } catch {
      return fail(error)
    }
    input = ByteBuffer()
    return nil
  }

  private mutating func readOn() throws(WebSocketViolation) -> WebSocketEvent? {
    while true {
      switch reading {
      case .header(var parser):
        guard let header = try parser.parse(&input, rules: frameRules) else {
          reading = .header(parser)
          return nil
        }
        try frameBegan(header)
        reading = .payload(FramePayload(header))
      case .payload(var frame):
        try read(&frame)
        guard frame.isComplete else {
          reading = .payload(frame)
          return nil
        }
        reading = .header(FrameHeaderParser())
        if let event = try frameEnded(frame.header) { return event }
      }
    }
  }

  private var frameRules: FrameRules {
    FrameRules(
      peerMasks: role.peerMasks, allowsCompression: compression != nil, insideMessage: message != nil,
      frameBytesMax: limits.frameBytesMax, messageBytesLeft: messageBytesLeft)
  }

  private var messageBytesLeft: Int {
    guard let message else { return limits.messageBytesMax }
    return message.isCompressed ? .max : limits.messageBytesMax - message.payload.readableBytes
  }

  private mutating func frameBegan(_ header: FrameHeader) throws(WebSocketViolation) {
    switch header.opcode {
    case .close, .ping, .pong:
      return
    case .text:
      message = IncomingMessage(kind: .text, isCompressed: header.isCompressed)
    case .binary:
      message = IncomingMessage(kind: .binary, isCompressed: header.isCompressed)
    case .continuation:
      break
    }
    try message?.frameBegan(limits: limits)
  }

  private mutating func read(_ frame: inout FramePayload) throws(WebSocketViolation) {
    if frame.header.opcode.isControl {
      frame.read(from: &input, into: &controlPayload)
    } else if message?.isCompressed == true {
      let inflater = inflaterInUse()
      try message?.append(&frame, from: &input, inflater: inflater, bytesMax: limits.messageBytesMax)
    } else {
      try message?.append(&frame, from: &input)
    }
  }

  private mutating func frameEnded(_ header: FrameHeader) throws(WebSocketViolation) -> WebSocketEvent? {
    switch header.opcode {
    case .text, .binary, .continuation:
      return header.isFinal ? try messageEnded() : nil
    case .ping:
      return try pingReceived(takeControlPayload())
    case .pong:
      return .pong(takeControlPayload())
    case .close:
      return try closeReceived(takeControlPayload())
    }
  }

  private mutating func takeControlPayload() -> ByteBuffer {
    let payload = controlPayload
    controlPayload = ByteBuffer()
    return payload
  }

  /// A message that comes after our close frame is checked but not delivered: the session has ended.
  private mutating func messageEnded() throws(WebSocketViolation) -> WebSocketEvent? {
    guard var message else { preconditionFailure("a data frame ended outside a message") }
    self.message = nil
    if message.isCompressed {
      try message.endInflating(inflaterInUse(), bytesMax: limits.messageBytesMax)
      releaseInflater()
    }
    let event = try message.ended()
    return isOpen ? event : nil
  }

  /// RFC 6455 §5.5.2: every ping is answered until the peer's close frame.
  private mutating func pingReceived(_ payload: ByteBuffer) throws(WebSocketViolation) -> WebSocketEvent {
    guard pingRate.pingReceived(at: nowNanoseconds, limit: limits.pingsPerMinuteMax) else { throw .tooManyPings }
    queueControlFrame(.pong, payload: payload)
    return .ping
  }

  private mutating func inflaterInUse() -> any MessageInflater {
    if let inflater { return inflater }
    guard let compression else { preconditionFailure("a compressed message without an agreement") }
    let inflater = compression.makeInflater()
    self.inflater = inflater
    return inflater
  }

  /// Between messages an inflater is kept only if the next message can refer to earlier ones.
  private mutating func releaseInflater() {
    guard let compression, !compression.agreement.inbound(for: role).keepsContext else { return }
    inflater = nil
  }
}
