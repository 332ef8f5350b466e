package import struct NIOCore.ByteBuffer

/// permessage-deflate (RFC 7692) as agreed for one connection, with its inflater and deflater: this module knows the frames,
/// not the algorithm.
package struct MessageCompression {
  package var agreement: DeflateAgreement
  /// Shorter messages are not deflated, bytes.
  package var thresholdBytes: Int
  /// Called at the first compressed message that arrives, and again for the next one when the peer keeps no context.
  package var makeInflater: () -> any MessageInflater
  /// Called for each message to compress. Without context, connections can share the deflater that it returns.
  package var deflater: () -> any MessageDeflater

  package init(
    agreement: DeflateAgreement, thresholdBytes: Int, makeInflater: @escaping () -> any MessageInflater,
    deflater: @escaping () -> any MessageDeflater
  ) {
    self.agreement = agreement
    self.thresholdBytes = thresholdBytes
    self.makeInflater = makeInflater
    self.deflater = deflater
  }
}

/// Inflates the messages of one direction of one connection, in order.
package protocol MessageInflater: AnyObject {
  /// Inflates the next bytes of a message and appends the result to `output`.
  ///
  /// - Parameter outputBytesMax: the limit of `output`; inflating stops one byte above it.
  func inflate(_ input: ByteBuffer, into output: inout ByteBuffer, outputBytesMax: Int) throws(InflateError)

  /// The message is complete: adds the four bytes that its sender omitted (RFC 7692 §7.2.2).
  func endMessage(into output: inout ByteBuffer, outputBytesMax: Int) throws(InflateError)
}

/// Why a message does not inflate.
package enum InflateError: Error, Hashable, Sendable {
  case invalidData
  case outputTooLarge
}

/// Deflates whole messages.
package protocol MessageDeflater: AnyObject {
  /// Appends the deflated message to `output`, without the four bytes 00 00 FF FF at its end (RFC 7692 §7.2.1).
  func deflate(_ message: ByteBuffer, into output: inout ByteBuffer)
}
