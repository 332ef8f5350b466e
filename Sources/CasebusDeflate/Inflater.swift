internal import CZlib
package import CasebusWebSocket

package import struct NIOCore.ByteBuffer

/// Inflates the messages of one direction of one connection with zlib (RFC 7692 §7.2.2).
///
/// It takes about 7 KiB, and after the first inflated byte a window of `1 << windowBits` bytes.
/// A reference beyond that window fails, unless its text is in the output of the same call.
package final class Inflater: MessageInflater {
  /// The empty block that ends every message and is not sent (RFC 7692 §7.2.1).
  private static let tail = ByteBuffer(bytes: [0x00, 0x00, 0xFF, 0xFF])

  let stream: UnsafeMutablePointer<z_stream>
  private let keepsContext: Bool

  /// - Parameter direction: the agreement for the sender; its window is 8 to 15 bits.
  package init(_ direction: DeflateAgreement.Direction) {
    precondition((8...15).contains(direction.windowBits), "an inflating window has 8 to 15 bits")
    keepsContext = direction.keepsContext
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // Negative bits: raw deflate, without zlib's header and checksum.
    let code = inflateInit2_(stream, -Int32(direction.windowBits), ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(code == Z_OK, "inflateInit2 returned \(code)")
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  package func inflate(_ input: ByteBuffer, into output: inout ByteBuffer, outputBytesMax: Int) throws(InflateError) {
    _ = try run(input, flush: Z_SYNC_FLUSH, into: &output, outputBytesMax: outputBytesMax)
  }

  package func endMessage(into output: inout ByteBuffer, outputBytesMax: Int) throws(InflateError) {
    // With Z_BLOCK zlib reports whether the message ends at the end of a block; a truncated message does not.
    let end = try run(Self.tail, flush: Z_BLOCK, into: &output, outputBytesMax: outputBytesMax)
    guard end == .betweenBlocks else { throw .invalidData }
    guard !keepsContext else { return }
    let code = inflateReset(stream)
    precondition(code == Z_OK, "inflateReset returned \(code)")
  }
}

@available(*, unavailable)
extension Inflater: Sendable {}
