import CasebusWebSocket
import NIOCore

/// A text message in a server's frame (RFC 6455 §5.6), encoded once for everybody who gets it.
struct TextFrame: Sendable {
  /// The whole frame, not deflated.
  let bytes: ByteBuffer
  private let headerBytes: Int

  /// - Parameter messageBytes: how long the message will be, about; memory for so much is taken at once.
  init(messageBytes: Int = 256, writeMessage: (inout ByteBuffer) -> Void) {
    var bytes = ByteBuffer()
    bytes.reserveCapacity(messageBytes + WebSocketFrame.serverHeaderBytesMax)
    // The header comes before the message and is known after it.
    bytes.moveWriterIndex(to: WebSocketFrame.serverHeaderBytesMax)
    bytes.moveReaderIndex(to: WebSocketFrame.serverHeaderBytesMax)
    writeMessage(&bytes)
    let count = bytes.readableBytes
    WebSocketFrame.prependHeader(opcode: .text, to: &bytes)
    headerBytes = bytes.readableBytes - count
    self.bytes = bytes
  }

  /// The message without the frame around it; shares its memory.
  var message: ByteBuffer { bytes.getSlice(at: bytes.readerIndex + headerBytes, length: messageBytes)! }

  var messageBytes: Int { bytes.readableBytes - headerBytes }
}

/// How the messages to a session are put into frames.
package enum MessageEncoding: Hashable, Sendable {
  case plain
  /// permessage-deflate (RFC 7692), every message by itself, so that all sessions with the same window share the bytes.
  /// - windowBits: the base-two logarithm of the window, 9 to 15.
  case deflated(windowBits: Int)
}
