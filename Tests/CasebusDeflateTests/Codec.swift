import CasebusDeflate
import CasebusWebSocket
import NIOCore

extension Inflater {
  /// One message, in pieces of `pieceBytes` bytes.
  func message(_ bytes: [UInt8], pieceBytes: Int = .max, bytesMax: Int = 1 << 20) throws(InflateError) -> [UInt8] {
    var output = ByteBuffer()
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = rest.prefix(pieceBytes)
      rest = rest.dropFirst(piece.count)
      try inflate(ByteBuffer(bytes: piece), into: &output, outputBytesMax: bytesMax)
    }
    try endMessage(into: &output, outputBytesMax: bytesMax)
    return Array(output.readableBytesView)
  }
}

extension Deflater {
  func message(_ bytes: [UInt8]) -> [UInt8] {
    var output = ByteBuffer()
    deflate(ByteBuffer(bytes: bytes), into: &output)
    return Array(output.readableBytesView)
  }
}

extension DeflateAgreement.Direction {
  static let context = DeflateAgreement.Direction(keepsContext: true)
  static let noContext = DeflateAgreement.Direction(keepsContext: false)
}

extension [UInt8] {
  /// Bytes written as hexadecimal digits, blanks ignored.
  init(hex: String) {
    let digits = [Character](hex.filter { !$0.isWhitespace })
    self = stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16)! }
  }

  init(_ text: String) {
    self.init(text.utf8)
  }
}

/// A generator whose numbers are the same in every run.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
