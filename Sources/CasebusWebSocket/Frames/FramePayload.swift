internal import struct NIOCore.ByteBuffer

/// The payload of the current frame, and how much of it was received.
struct FramePayload {
  let header: FrameHeader
  private var bytesRead = 0

  init(_ header: FrameHeader) {
    self.header = header
  }

  var isComplete: Bool { bytesRead == header.payloadBytes }

  /// Moves the part of this payload in `input` to the end of `destination`, unmasked.
  mutating func read(from input: inout ByteBuffer, into destination: inout ByteBuffer) {
    let bytes = min(header.payloadBytes - bytesRead, input.readableBytes)
    destination.writePayload(&input, bytes: bytes, maskingKey: header.maskingKey, payloadOffset: bytesRead)
    bytesRead += bytes
  }
}
