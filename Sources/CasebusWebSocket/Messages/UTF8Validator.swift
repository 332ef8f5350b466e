/// Validates UTF-8 in pieces of any size, and fails at the first byte that cannot be part of a well-formed text (RFC 3629 §4;
/// the ranges are Unicode's table 3-7).
struct UTF8Validator {
  private var continuationsLeft: UInt8 = 0
  /// The range of the next continuation byte; narrower than 80…BF after the lead bytes E0, ED, F0 and F4.
  private var lower: UInt8 = 0x80
  private var upper: UInt8 = 0xBF

  /// Whether the text so far ends at the end of a character.
  var isComplete: Bool { continuationsLeft == 0 }

  /// - Returns: false if no continuation can make the text valid.
  mutating func consume(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    while index < bytes.count {
      if continuationsLeft == 0 {
        index = Self.endOfASCII(bytes, from: index)
        guard index < bytes.count else { return true }
      }
      guard consume(bytes[index]) else { return false }
      index += 1
    }
    return true
  }

  /// Skips whole words without a byte over 7F.
  private static func endOfASCII(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    var index = start
    while index + 8 <= bytes.count,
      bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
    {
      index += 8
    }
    while index < bytes.count, bytes[index] < 0x80 {
      index += 1
    }
    return index
  }

  private mutating func consume(_ byte: UInt8) -> Bool {
    guard continuationsLeft > 0 else { return consumeLead(byte) }
    guard lower <= byte, byte <= upper else { return false }
    expect(continuationsLeft - 1)
    return true
  }

  private mutating func consumeLead(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x00...0x7F: break
    case 0xC2...0xDF: expect(1)
    case 0xE0: expect(2, lower: 0xA0)
    case 0xED: expect(2, upper: 0x9F)
    case 0xE1...0xEF: expect(2)
    case 0xF0: expect(3, lower: 0x90)
    case 0xF1...0xF3: expect(3)
    case 0xF4: expect(3, upper: 0x8F)
    default: return false
    }
    return true
  }

  private mutating func expect(_ continuations: UInt8, lower: UInt8 = 0x80, upper: UInt8 = 0xBF) {
    continuationsLeft = continuations
    self.lower = lower
    self.upper = upper
  }
}
