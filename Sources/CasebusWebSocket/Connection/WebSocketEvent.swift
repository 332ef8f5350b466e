package import struct NIOCore.ByteBuffer

/// An event in the peer's bytes.
package enum WebSocketEvent: Hashable, Sendable {
  /// A whole text message; the bytes are UTF-8.
  case text(ByteBuffer)
  /// A whole binary message.
  case binary(ByteBuffer)
  /// A ping; its pong is already outbound.
  case ping
  /// A pong, asked for or not (RFC 6455 §5.5.3).
  case pong(ByteBuffer)
  /// The peer's close frame; the echo, if one is due, is already outbound. The last event of a connection.
  /// The code is ``WebSocketCloseCode/noStatusReceived`` where the frame had none.
  case closeReceived(code: WebSocketCloseCode, reason: String)
  /// The peer broke a rule; the close frame is already outbound, unless one had been sent before. The last event of a
  /// connection.
  case failed(WebSocketViolation)
}
