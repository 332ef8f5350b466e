import NIOCore

/// A WebSocket message for an echo server.
struct EchoMessage: Hashable, Sendable {
  enum Kind: String, Sendable {
    case text
    case binary
  }

  var kind: Kind
  var payload: ByteBuffer
}

extension EchoMessage: CustomStringConvertible {
  var description: String {
    "a \(kind) message of \(payload.readableBytes) bytes"
  }

  /// The fault of an answer; nil if it is the same message.
  func difference(to echo: EchoMessage) -> String? {
    guard echo != self else { return nil }
    guard echo.kind == kind, echo.payload.readableBytes == payload.readableBytes else {
      return "sent \(self), got \(echo)"
    }
    let position = zip(payload.readableBytesView, echo.payload.readableBytesView).enumerated().first {
      $0.element.0 != $0.element.1
    }
    guard let (offset, (sent, got)) = position else { return nil }
    return "sent \(self), got another one back: byte \(offset) is \(got), expected \(sent)"
  }
}
