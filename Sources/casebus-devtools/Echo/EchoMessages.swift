import CasebusConsole
import NIOCore

/// Random messages: the same ones for the same seed. The first ones have the lengths at which an encoding changes.
struct EchoMessages: Sequence, IteratorProtocol {
  /// The lengths at which the frame's length field, the defaults for compression, and usual buffers change.
  private static let edges = [
    0, 1, 2, 125, 126, 127, 128, 1023, 1024, 4096, 16_384, 65_535, 65_536, 65_537, 1 << 18, 1 << 20,
  ]
  /// Longer messages repeat their beginning.
  private static let randomBytesMax = 40_000

  private let bytesMax: Int
  private let lengths: [Int]
  private var count: Int
  private var made = 0
  private var random: SplitMix64

  /// - Parameters:
  ///   - count: the number of messages.
  ///   - bytesMax: the length of the longest one.
  init(count: Int, seed: UInt64, bytesMax: Int) {
    self.count = count
    self.bytesMax = bytesMax
    lengths = Self.edges.filter { $0 < bytesMax } + [bytesMax]
    random = SplitMix64(seed: seed, stream: 0)
  }

  mutating func next() -> EchoMessage? {
    guard made < count else { return nil }
    defer { made += 1 }
    let kind: EchoMessage.Kind = made.isMultiple(of: 2) ? .text : .binary
    return EchoMessage(kind: kind, payload: payload(of: kind, byteCount: nextLength()))
  }

  /// Each edge once for a text and once for a binary message; then short ones more often than long ones.
  private mutating func nextLength() -> Int {
    if made / 2 < lengths.count { return lengths[made / 2] }
    let magnitude = Int.random(in: 0...(Int.bitWidth - bytesMax.leadingZeroBitCount), using: &random)
    return Int.random(in: 0...Swift.min(bytesMax, 1 << magnitude), using: &random)
  }

  private mutating func payload(of kind: EchoMessage.Kind, byteCount: Int) -> ByteBuffer {
    let beginning = Swift.min(byteCount, Self.randomBytesMax)
    var pattern = ByteBuffer()
    switch kind {
    case .text: writeText(byteCount: beginning, into: &pattern)
    case .binary: pattern.writeBytes((0..<beginning).map { _ in UInt8.random(in: .min ... .max, using: &random) })
    }
    var payload = ByteBuffer()
    payload.reserveCapacity(byteCount)
    while byteCount - payload.readableBytes >= Swift.max(1, beginning) { payload.writeImmutableBuffer(pattern) }
    payload.writeRepeatingByte(UInt8(ascii: "~"), count: byteCount - payload.readableBytes)
    return payload
  }

  /// Characters of all lengths in UTF-8, as many as fit.
  private mutating func writeText(byteCount: Int, into buffer: inout ByteBuffer) {
    while buffer.readableBytes < byteCount {
      let lengthMax = Swift.min(4, byteCount - buffer.readableBytes)
      let scalar = randomScalar(utf8Length: .random(in: 1...lengthMax, using: &random))
      buffer.writeString(String(Character(scalar)))
    }
  }

  private mutating func randomScalar(utf8Length: Int) -> Unicode.Scalar {
    let range: ClosedRange<UInt32> =
      switch utf8Length {
      case 1: 0...0x7F
      case 2: 0x80...0x7FF
      case 3: 0x800...0xFFFF
      default: 0x1_0000...0x10_FFFF
      }
    while true {
      // Surrogates are not characters.
      if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) { return scalar }
    }
  }
}
