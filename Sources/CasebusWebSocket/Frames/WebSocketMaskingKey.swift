/// The key with which a client masks one frame (RFC 6455 §5.3). It must come from a strong source of randomness, so keys are
/// arguments and this module never makes one.
package struct WebSocketMaskingKey: Hashable, Sendable {
  /// The four bytes of the key, the first one most significant.
  package let value: UInt32

  package init(_ value: UInt32) {
    self.value = value
  }

  /// Copies `source` to `destination` with the mask applied (or taken away: the operation is its own inverse).
  ///
  /// - Parameters:
  ///   - source: bytes of the frame's payload.
  ///   - destination: at least as long as `source`; may be the same memory.
  ///   - offset: where `source` begins in the frame's payload.
  func apply(
    to source: UnsafeRawBufferPointer, into destination: UnsafeMutableRawBufferPointer, payloadOffset offset: Int
  ) {
    let word = repeated(from: offset)
    let wholeWords = source.count & ~7
    var index = 0
    while index < wholeWords {
      let masked = source.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ word
      destination.storeBytes(of: masked, toByteOffset: index, as: UInt64.self)
      index += 8
    }
    while index < source.count {
      destination[index] = source[index] ^ byte(at: offset + index)
      index += 1
    }
  }

  private func byte(at payloadOffset: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: value >> (24 - 8 * (payloadOffset & 3)))
  }

  /// The key twice, rotated so that its first byte in memory masks the payload byte at `offset`.
  private func repeated(from offset: Int) -> UInt64 {
    let shift = 8 * (offset & 3)
    let turned = UInt64(value << shift | value >> (32 - shift))
    return (turned << 32 | turned).bigEndian
  }
}
