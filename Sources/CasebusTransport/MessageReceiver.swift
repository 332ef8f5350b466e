import CasebusWebSocket
package import NIOCore

/// Receives the messages of a connection. Called on the connection's event loop only.
package protocol MessageReceiver: AnyObject {
  /// A complete text message, valid UTF-8.
  func textReceived(_ text: ByteBuffer)

  /// A complete binary message.
  func binaryReceived(_ bytes: ByteBuffer)

  /// The connection has ended; nothing follows. Called exactly once.
  func connectionClosed(_ closure: ConnectionClosure)
}

/// How a connection ended.
package struct ConnectionClosure: Hashable, Sendable {
  /// The close code of RFC 6455 §7.1.5; 1006 if the connection ended without a close frame.
  package var code: UInt16
  /// The reason, for people.
  package var reason: String
  /// All bytes that were sent to the peer, as frames.
  package var bytesSent = 0

  package init(code: UInt16, reason: String) {
    self.code = code
    self.reason = reason
  }
}

extension ConnectionClosure {
  /// The connection ended without a close frame.
  static let lost = ConnectionClosure(
    code: WebSocketCloseCode.abnormalClosure.rawValue, reason: "the connection was lost")
}
