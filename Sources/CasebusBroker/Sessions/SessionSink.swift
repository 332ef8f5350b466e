package import CasebusProtocol
package import struct NIOCore.ByteBuffer

/// Where a session's messages go: a connection, as the broker sees it. Used on the session's event loop only.
package protocol SessionSink: AnyObject {
  /// Takes encoded WebSocket frames (RFC 6455 §5), one or more whole ones, to be sent in order after those taken before.
  /// The bytes may be shared with other sessions. After ``close(_:reason:)`` they are dropped.
  func write(_ frames: ByteBuffer)

  /// Sends what was taken.
  func flush()

  /// Takes frames as ``write(_:)`` does, and sends them at once.
  func send(_ frames: ByteBuffer)

  /// Calls the closure once, as soon as little of what was sent waits for the client: now, if that is so.
  func whenWritable(_ body: @escaping () -> Void)

  /// Stops or resumes taking messages from the client; what it sends meanwhile waits in its connection.
  func setReading(_ isReading: Bool)

  /// Sends a close frame after what was taken, and ends the connection when the peer has answered or does not.
  func close(_ code: CloseCode, reason: String)

  /// Ends the connection at once.
  func cutOff()
}
