package import struct NIOCore.ByteBuffer

/// Encodes frames. This module never fragments: each frame is a whole message or a control frame.
package enum WebSocketFrame {
  /// The most bytes a header can take: two, an eight-byte length, a masking key (RFC 6455 §5.2).
  package static let headerBytesMax = 14
  /// The same without a masking key, as a server sends it.
  package static let serverHeaderBytesMax = 10
  /// The most bytes a control frame may carry (RFC 6455 §5.5).
  package static let controlPayloadBytesMax = 125

  /// Appends the header of an unmasked frame, as a server sends it, for a payload that the caller appends itself. This
  /// way a message that goes to many sessions is framed once.
  ///
  /// - Parameters:
  ///   - compressed: the payload is deflated (RSV1, RFC 7692 §6); only for text and binary.
  package static func appendHeader(
    opcode: WebSocketOpcode, payloadBytes: Int, compressed: Bool = false, to buffer: inout ByteBuffer
  ) {
    appendHeader(
      opcode: opcode, payloadBytes: payloadBytes, compressed: compressed, maskingKey: nil, to: &buffer)
  }

  /// Writes the header of an unmasked frame into the free memory before the payload in a buffer:
  /// ``serverHeaderBytesMax`` bytes are enough.
  package static func prependHeader(opcode: WebSocketOpcode, to payload: inout ByteBuffer) {
    let length = payload.readableBytes
    let headerBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10
    let start = payload.readerIndex - headerBytes
    payload.setInteger(0x80 | opcode.rawValue, at: start)
    switch headerBytes {
    case 2: payload.setInteger(UInt8(length), at: start + 1)
    case 4:
      payload.setInteger(126 as UInt8, at: start + 1)
      payload.setInteger(UInt16(length), at: start + 2)
    case _:
      payload.setInteger(127 as UInt8, at: start + 1)
      payload.setInteger(UInt64(length), at: start + 2)
    }
    payload.moveReaderIndex(to: start)
  }

  /// Appends a frame, masked if a key is given.
  static func append(
    opcode: WebSocketOpcode, payload: ByteBuffer, compressed: Bool = false, maskingKey: WebSocketMaskingKey?,
    to buffer: inout ByteBuffer
  ) {
    buffer.reserveCapacity(minimumWritableBytes: headerBytesMax + payload.readableBytes)
    appendHeader(
      opcode: opcode, payloadBytes: payload.readableBytes, compressed: compressed, maskingKey: maskingKey, to: &buffer)
    var payload = payload
    buffer.writePayload(&payload, bytes: payload.readableBytes, maskingKey: maskingKey, payloadOffset: 0)
  }

  private static func appendHeader(
    opcode: WebSocketOpcode, payloadBytes: Int, compressed: Bool, maskingKey: WebSocketMaskingKey?,
    to buffer: inout ByteBuffer
  ) {
    precondition(!opcode.isControl || payloadBytes <= controlPayloadBytesMax, "control frame longer than 125 bytes")
    precondition(!compressed || opcode == .text || opcode == .binary, "only text and binary can be compressed")
    buffer.writeInteger(0x80 | (compressed ? 0x40 : 0) | opcode.rawValue)
    appendLength(payloadBytes, maskBit: maskingKey == nil ? 0 : 0x80, to: &buffer)
    if let maskingKey { buffer.writeInteger(maskingKey.value) }
  }

  /// RFC 6455 §5.2: the shortest of the three forms.
  private static func appendLength(_ length: Int, maskBit: UInt8, to buffer: inout ByteBuffer) {
    if length < 126 {
      buffer.writeInteger(maskBit | UInt8(length))
    } else if length < 65_536 {
      buffer.writeInteger(maskBit | 126)
      buffer.writeInteger(UInt16(length))
    } else {
      buffer.writeInteger(maskBit | 127)
      buffer.writeInteger(UInt64(length))
    }
  }
}

extension ByteBuffer {
  /// Moves `bytes` bytes of a frame's payload from `source` to the end of this buffer, in one pass with the masking.
  mutating func writePayload(
    _ source: inout ByteBuffer, bytes: Int, maskingKey: WebSocketMaskingKey?, payloadOffset: Int
  ) {
    writeWithUnsafeMutableBytes(minimumWritableBytes: bytes) { destination in
      source.readWithUnsafeReadableBytes { readable in
        let chunk = UnsafeRawBufferPointer(rebasing: readable.prefix(bytes))
        if let maskingKey {
          maskingKey.apply(to: chunk, into: destination, payloadOffset: payloadOffset)
        } else {
          destination.copyMemory(from: chunk)
        }
        return bytes
      }
      return bytes
    }
  }
}
