import CasebusWebSocket
package import NIOCore

/// Who gets what a connection receives. Called on the connection's event loop only.
package protocol MessageReceiver: AnyObject {
  /// A whole text message, valid UTF-8.
  func textReceived(_ text: ByteBuffer)

  /// A whole binary message.
  func binaryReceived(_ bytes: ByteBuffer)

  /// The connection is gone; nothing follows. Called exactly once.
  func connectionClosed(_ closure: ConnectionClosure)
}

/// How a connection ended.
package struct ConnectionClosure: Hashable, Sendable {
  /// The close code of RFC 6455 §7.1.5; 1006 if the connection ended without a close frame.
  package var code: UInt16
  /// For people.
  package var reason: String
  /// What was sent to the peer in all, frames as they went out.
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
