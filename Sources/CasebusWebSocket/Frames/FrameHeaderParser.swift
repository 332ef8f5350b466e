internal import struct NIOCore.ByteBuffer

/// Reads one frame header byte by byte, so that a split header needs no buffer and an invalid one fails at its first invalid
/// byte (RFC 6455 §5.2).
struct FrameHeaderParser {
  private enum State {
    case firstByte
    case secondByte(FrameStart)
    case length(ExtendedLength)
    case maskingKey(PartialKey)
  }

  private struct ExtendedLength {
    var start: FrameStart
    var isMasked: Bool
    var value: UInt64 = 0
    var bytesLeft: Int
    /// The smallest length that needs this many bytes.
    var least: UInt64
  }

  private struct PartialKey {
    var start: FrameStart
    var payloadBytes: Int
    var value: UInt32 = 0
    var bytesLeft = 4
  }

  private var state = State.firstByte

  /// Consumes bytes up to the end of the header.
  ///
  /// - Returns: the header, or nil when `input` ended before it.
  mutating func parse(_ input: inout ByteBuffer, rules: FrameRules) throws(WebSocketViolation) -> FrameHeader? {
    while let byte: UInt8 = input.readInteger() {
      if let header = try consume(byte, rules: rules) { return header }
    }
    return nil
  }

  private mutating func consume(_ byte: UInt8, rules: FrameRules) throws(WebSocketViolation) -> FrameHeader? {
    switch state {
    case .firstByte:
      state = .secondByte(try FrameStart(byte, rules: rules))
      return nil
    case .secondByte(let start):
      return try consumeSecondByte(byte, start: start, rules: rules)
    case .length(let length):
      return try consumeLengthByte(byte, length: length, rules: rules)
    case .maskingKey(let key):
      return consumeKeyByte(byte, key: key)
    }
  }

  private mutating func consumeSecondByte(
    _ byte: UInt8, start: FrameStart, rules: FrameRules
  ) throws(WebSocketViolation) -> FrameHeader? {
    let isMasked = byte & 0x80 != 0
    guard isMasked == rules.peerMasks else { throw isMasked ? .maskedServerFrame : .unmaskedClientFrame }
    let length = byte & 0x7F
    guard !start.opcode.isControl || length <= 125 else { throw .controlFrameTooLong }
    switch length {
    case 126:
      state = .length(ExtendedLength(start: start, isMasked: isMasked, bytesLeft: 2, least: 126))
      return nil
    case 127:
      state = .length(ExtendedLength(start: start, isMasked: isMasked, bytesLeft: 8, least: 65_536))
      return nil
    default:
      return try lengthKnown(Int(length), start: start, isMasked: isMasked, rules: rules)
    }
  }

  private mutating func consumeLengthByte(
    _ byte: UInt8, length: ExtendedLength, rules: FrameRules
  ) throws(WebSocketViolation) -> FrameHeader? {
    var length = length
    // RFC 6455 §5.2: the most significant bit of a 64-bit length must be 0.
    guard length.bytesLeft < 8 || byte & 0x80 == 0 else { throw .lengthTooBig }
    length.value = length.value << 8 | UInt64(byte)
    length.bytesLeft -= 1
    guard length.bytesLeft == 0 else {
      state = .length(length)
      return nil
    }
    guard length.value >= length.least else { throw .lengthNotMinimal }
    return try lengthKnown(Int(length.value), start: length.start, isMasked: length.isMasked, rules: rules)
  }

  private mutating func lengthKnown(
    _ payloadBytes: Int, start: FrameStart, isMasked: Bool, rules: FrameRules
  ) throws(WebSocketViolation) -> FrameHeader? {
    try start.checkLength(payloadBytes, rules: rules)
    guard isMasked else { return FrameHeader(start: start, payloadBytes: payloadBytes, maskingKey: nil) }
    state = .maskingKey(PartialKey(start: start, payloadBytes: payloadBytes))
    return nil
  }

  private mutating func consumeKeyByte(_ byte: UInt8, key: PartialKey) -> FrameHeader? {
    var key = key
    key.value = key.value << 8 | UInt32(byte)
    key.bytesLeft -= 1
    guard key.bytesLeft == 0 else {
      state = .maskingKey(key)
      return nil
    }
    return FrameHeader(
      start: key.start, payloadBytes: key.payloadBytes, maskingKey: WebSocketMaskingKey(key.value))
  }
}

extension FrameHeader {
  fileprivate init(start: FrameStart, payloadBytes: Int, maskingKey: WebSocketMaskingKey?) {
    self.init(
      opcode: start.opcode, isFinal: start.isFinal, isCompressed: start.isCompressed, payloadBytes: payloadBytes,
      maskingKey: maskingKey)
  }
}
