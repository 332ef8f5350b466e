/// Finds the bytes of a JSON string that need escaping, eight bytes at a time. Most strings have none. One byte at a
/// time, a text of 200 bytes took a tenth of a journaled publish (perf, J1).
enum PlainRun {
  private static var ones: UInt64 { 0x0101_0101_0101_0101 }
  private static var highBits: UInt64 { 0x8080_8080_8080_8080 }

  /// Whether a byte is a quote, a backslash or a control character.
  static func isSpecial(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20
  }

  /// A set high bit for bytes that are special. Bytes behind the first one can have theirs set, too, because the borrow
  /// propagates; the result is 0 exactly if no byte is special.
  private static func special(in word: UInt64) -> UInt64 {
    let quote = word ^ (ones &* 0x22)
    let backslash = word ^ (ones &* 0x5C)
    let isControl = (word &- ones &* 0x20) & ~word
    return (((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | isControl) & highBits
  }

  /// How many bytes there are before the first special one, and whether all of these are ASCII.
  static func length(_ bytes: UnsafeRawBufferPointer) -> (count: Int, isASCII: Bool) {
    var count = 0
    var allBits: UInt64 = 0
    while count + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: count, as: UInt64.self)
      guard special(in: word) == 0 else { break }
      allBits |= word
      count += 8
    }
    while count < bytes.count, !isSpecial(bytes[count]) {
      allBits |= UInt64(bytes[count])
      count += 1
    }
    return (count, allBits & highBits == 0)
  }
}
