import CasebusWebSocket
import NIOCore

/// A text message in a server's frame (RFC 6455 §5.6), encoded once for all sessions that get it.
struct TextFrame: Sendable {
  /// The whole frame, not deflated.
  let bytes: ByteBuffer
  private let headerBytes: Int

  /// - Parameter messageBytes: the approximate length of the message, to allocate memory once.
  init(messageBytes: Int = 256, writeMessage: (inout ByteBuffer) -> Void) {
    var bytes = ByteBuffer()
    bytes.reserveCapacity(messageBytes + WebSocketFrame.serverHeaderBytesMax)
    // The header precedes the message, but depends on its length.
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

/// How messages to a session are framed.
package enum MessageEncoding: Hashable, Sendable {
  case plain
  /// permessage-deflate (RFC 7692), every message by itself, so that all sessions with the same window share the bytes.
  /// - windowBits: the base-two logarithm of the window, 9 to 15.
  case deflated(windowBits: Int)
}
