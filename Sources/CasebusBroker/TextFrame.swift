import CasebusWebSocket
import NIOCore

/// A text message in a server's frame (RFC 6455 §5.6), encoded once for everybody who gets it.
struct TextFrame: Sendable {
  /// The whole frame, not deflated.
  let bytes: ByteBuffer
  private let headerBytes: Int

  init(writeMessage: (inout ByteBuffer) -> Void) {
    var message = ByteBuffer()
    writeMessage(&message)
    var bytes = ByteBuffer()
    bytes.reserveCapacity(message.readableBytes + WebSocketFrame.headerBytesMax)
    WebSocketFrame.appendHeader(opcode: .text, payloadBytes: message.readableBytes, to: &bytes)
    headerBytes = bytes.readableBytes
    bytes.writeImmutableBuffer(message)
    self.bytes = bytes
  }

  /// The message without the frame around it; shares its memory.
  var message: ByteBuffer { bytes.getSlice(at: bytes.readerIndex + headerBytes, length: messageBytes)! }

  var messageBytes: Int { bytes.readableBytes - headerBytes }
}

/// How the messages to a session are put into frames.
public enum MessageEncoding: Hashable, Sendable {
  case plain
  /// permessage-deflate (RFC 7692), every message by itself, so that all sessions with the same window share the bytes.
  /// - windowBits: the base-two logarithm of the window, 9 to 15.
  case deflated(windowBits: Int)
}
