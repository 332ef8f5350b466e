internal import CZlib
package import CasebusWebSocket

package import struct NIOCore.ByteBuffer

/// Deflates whole messages with zlib (RFC 7692 §7.2.1). At the full window it takes about 260 KiB.
package final class Deflater: MessageDeflater {
  package static let defaultLevel = 6

  /// zlib needs more than six bytes of room, else it can end a message twice.
  private static let roomBytesMin = 64

  private let stream: UnsafeMutablePointer<z_stream>
  private let keepsContext: Bool

  /// - Parameters:
  ///   - direction: the agreement for this sender; its window is 9 to 15 bits. A deflater without context can serve any
  ///     number of connections.
  ///   - level: 1 (fast) to 9 (small).
  package init(_ direction: DeflateAgreement.Direction, level: Int = Deflater.defaultLevel) {
    precondition((9...15).contains(direction.windowBits), "a deflating window has 9 to 15 bits")
    precondition((1...9).contains(level), "a level is 1 to 9")
    keepsContext = direction.keepsContext
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // Negative bits: raw deflate, without zlib's header and checksum. 8 is zlib's default for its memory.
    let code = deflateInit2_(
      stream, Int32(level), Z_DEFLATED, -Int32(direction.windowBits), 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    precondition(code == Z_OK, "deflateInit2 returned \(code)")
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  package func deflate(_ message: ByteBuffer, into output: inout ByteBuffer) {
    guard message.readableBytes > 0 else {
      output.writeInteger(UInt8(0))  // RFC 7692 §7.2.3.6
      return
    }
    message.withUnsafeReadableBytes { bytes in
      stream.pointee.next_in = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_in = UInt32(bytes.count)
      while !deflateOnce(into: &output) {}
      stream.pointee.next_in = nil
    }
    output.moveWriterIndex(to: output.writerIndex - 4)  // 00 00 FF FF
    if !keepsContext { reset() }
  }

  /// - Returns: whether the message is complete: zlib left room unused.
  private func deflateOnce(into output: inout ByteBuffer) -> Bool {
    var code = Z_OK
    let expected = max(Self.roomBytesMin, Int(stream.pointee.avail_in) / 2)
    output.writeWithUnsafeMutableBytes(minimumWritableBytes: expected) { destination in
      stream.pointee.next_out = destination.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(clamping: destination.count)
      code = CZlib.deflate(stream, Z_SYNC_FLUSH)
      stream.pointee.next_out = nil
      return destination.count - Int(stream.pointee.avail_out)
    }
    // Z_BUF_ERROR: the message ended exactly at the end of the room.
    precondition(code == Z_OK || code == Z_BUF_ERROR, "deflate returned \(code)")
    return stream.pointee.avail_out > 0
  }

  private func reset() {
    let code = deflateReset(stream)
    precondition(code == Z_OK, "deflateReset returned \(code)")
  }
}

@available(*, unavailable)
extension Deflater: Sendable {}
