/// SHA-1 (RFC 3174), only for the opening handshake, which does not depend on its security (RFC 6455 §10.8).
enum SHA1 {
  static func digest(_ message: some Sequence<UInt8>) -> [UInt8] {
    let padded = padded(Array(message))
    var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
    for block in stride(from: 0, to: padded.count, by: 64) {
      absorb(schedule(padded[block..<block + 64]), into: &state)
    }
    return state.flatMap(bigEndianBytes)
  }

  /// RFC 3174 §4: a one bit, zeros, and the length in bits, up to a multiple of 64 bytes.
  private static func padded(_ message: [UInt8]) -> [UInt8] {
    let zeros = (119 - message.count % 64) % 64
    return message + [0x80] + [UInt8](repeating: 0, count: zeros) + bigEndianBytes(UInt64(message.count) * 8)
  }

  /// RFC 3174 §6.1 (a), (b).
  private static func schedule(_ block: ArraySlice<UInt8>) -> [UInt32] {
    var words = stride(from: block.startIndex, to: block.endIndex, by: 4).map { index in
      block[index..<index + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
    for t in 16..<80 {
      words.append(rotated(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16], by: 1))
    }
    return words
  }

  /// RFC 3174 §6.1 (c) to (e).
  private static func absorb(_ words: [UInt32], into state: inout [UInt32]) {
    var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
    for t in 0..<80 {
      let (f, k) = roundFunction(t, b, c, d)
      (a, b, c, d, e) = (rotated(a, by: 5) &+ f &+ e &+ words[t] &+ k, a, rotated(b, by: 30), c, d)
    }
    state = zip(state, [a, b, c, d, e]).map(&+)
  }

  /// RFC 3174 §5.
  private static func roundFunction(_ t: Int, _ b: UInt32, _ c: UInt32, _ d: UInt32) -> (f: UInt32, k: UInt32) {
    switch t {
    case ..<20: (b & c | ~b & d, 0x5A82_7999)
    case ..<40: (b ^ c ^ d, 0x6ED9_EBA1)
    case ..<60: (b & c | b & d | c & d, 0x8F1B_BCDC)
    default: (b ^ c ^ d, 0xCA62_C1D6)
    }
  }

  private static func rotated(_ word: UInt32, by bits: UInt32) -> UInt32 {
    word << bits | word >> (32 - bits)
  }

  private static func bigEndianBytes(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian, Array.init)
  }
}
