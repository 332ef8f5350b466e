/// A frame's header that passed all checks that need only the header.
struct FrameHeader: Equatable {
  var opcode: WebSocketOpcode
  var isFinal: Bool
  /// RSV1 on the first frame of a message: the message is deflated (RFC 7692 §6).
  var isCompressed: Bool
  var payloadBytes: Int
  var maskingKey: WebSocketMaskingKey?
}

/// The conditions for the next frame, given the frames before it.
struct FrameRules {
  /// The peer is a client, which masks every frame; a server masks none (RFC 6455 §5.1).
  var peerMasks: Bool
  /// permessage-deflate was agreed on, so the first frame of a message may have RSV1 (RFC 7692 §6).
  var allowsCompression: Bool
  /// A fragmented message has begun and not ended (RFC 6455 §5.4).
  var insideMessage: Bool
  var frameBytesMax: Int
  /// By how many bytes the current message can grow; unlimited for a compressed one, whose size is checked on inflating.
  var messageBytesLeft: Int
}

/// The first byte of a frame.
struct FrameStart {
  var opcode: WebSocketOpcode
  var isFinal: Bool
  var isCompressed: Bool

  /// RFC 6455 §5.2, §5.4, §5.5.
  init(_ byte: UInt8, rules: FrameRules) throws(WebSocketViolation) {
    guard let opcode = WebSocketOpcode(rawValue: byte & 0x0F) else { throw .reservedOpcode(byte & 0x0F) }
    self.opcode = opcode
    isFinal = byte & 0x80 != 0
    isCompressed = byte & 0x40 != 0
    guard byte & 0x30 == 0 else { throw .reservedBits }
    guard !isCompressed || rules.allowsCompression && (opcode == .text || opcode == .binary) else {
      throw .reservedBits
    }
    try checkOrder(rules)
  }

  private func checkOrder(_ rules: FrameRules) throws(WebSocketViolation) {
    switch opcode {
    case .close, .ping, .pong:
      guard isFinal else { throw .fragmentedControlFrame }
    case .continuation:
      guard rules.insideMessage else { throw .unexpectedContinuation }
    case .text, .binary:
      guard !rules.insideMessage else { throw .messageInsideMessage }
    }
  }

  /// The limits, checked as soon as the length is known.
  func checkLength(_ payloadBytes: Int, rules: FrameRules) throws(WebSocketViolation) {
    guard payloadBytes <= rules.frameBytesMax else { throw .frameTooLarge }
    guard opcode.isControl || isCompressed || payloadBytes <= rules.messageBytesLeft else { throw .messageTooLarge }
  }
}
