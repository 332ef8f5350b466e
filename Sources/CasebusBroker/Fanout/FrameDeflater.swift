import CasebusDeflate
import CasebusWebSocket
import NIOCore

/// Deflates frames for the sessions of one event loop.
final class FrameDeflater {
  private let deflaters: SharedDeflaters
  private let thresholdBytes: Int

  init(_ configuration: BrokerConfiguration) {
    deflaters = SharedDeflaters(level: configuration.deflateLevel)
    thresholdBytes = configuration.deflateThresholdBytes
  }

  /// The bytes of a frame in an encoding. Messages below the threshold, or that would not get shorter, stay plain.
  func bytes(of frame: TextFrame, _ encoding: MessageEncoding) -> ByteBuffer {
    guard case .deflated(let windowBits) = encoding, frame.messageBytes >= thresholdBytes else { return frame.bytes }
    var deflated = ByteBuffer()
    deflaters.deflater(windowBits: windowBits).deflate(frame.message, into: &deflated)
    guard deflated.readableBytes < frame.messageBytes else { return frame.bytes }
    var bytes = ByteBuffer()
    bytes.reserveCapacity(deflated.readableBytes + WebSocketFrame.headerBytesMax)
    WebSocketFrame.appendHeader(opcode: .text, payloadBytes: deflated.readableBytes, compressed: true, to: &bytes)
    bytes.writeImmutableBuffer(deflated)
    return bytes
  }
}

@available(*, unavailable)
extension FrameDeflater: Sendable {}
