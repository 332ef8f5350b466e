package import struct NIOCore.ByteBuffer

/// The frames for a message. They are nil after either side has begun to close: the message came too late, which is a race
/// and not an error (RFC 6455 §5.5.1).
extension WebSocketConnection {
  /// - Parameter payload: UTF-8.
  package func sendText(_ payload: ByteBuffer) -> ByteBuffer? {
    send(.text, payload)
  }

  package func sendBinary(_ payload: ByteBuffer) -> ByteBuffer? {
    send(.binary, payload)
  }

  /// - Parameter payload: at most ``WebSocketFrame/controlPayloadBytesMax`` bytes; the pong brings them back.
  package func sendPing(_ payload: ByteBuffer = ByteBuffer()) -> ByteBuffer? {
    guard isOpen else { return nil }
    var frame = ByteBuffer()
    WebSocketFrame.append(opcode: .ping, payload: payload, maskingKey: role.nextMaskingKey(), to: &frame)
    return frame
  }

  private func send(_ opcode: WebSocketOpcode, _ payload: ByteBuffer) -> ByteBuffer? {
    guard isOpen else { return nil }
    var frame = ByteBuffer()
    guard let compression, payload.readableBytes >= compression.thresholdBytes else {
      WebSocketFrame.append(opcode: opcode, payload: payload, maskingKey: role.nextMaskingKey(), to: &frame)
      return frame
    }
    var deflated = ByteBuffer()
    compression.deflater().deflate(payload, into: &deflated)
    WebSocketFrame.append(
      opcode: opcode, payload: deflated, compressed: true, maskingKey: role.nextMaskingKey(), to: &frame)
    return frame
  }

  mutating func queueControlFrame(_ opcode: WebSocketOpcode, payload: ByteBuffer) {
    WebSocketFrame.append(opcode: opcode, payload: payload, maskingKey: role.nextMaskingKey(), to: &outbound)
  }
}
