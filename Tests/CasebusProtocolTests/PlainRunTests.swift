import Testing

@testable import CasebusProtocol

/// The plain part of a string is found wherever it ends.
@Suite struct PlainRunTests {
  private static func length(_ bytes: [UInt8]) -> (count: Int, isASCII: Bool) {
    bytes.withUnsafeBytes { PlainRun.length($0) }
  }

  /// Every byte, at every place of texts that are shorter and longer than a word.
  @Test(arguments: 0...20) func everyByteAtEveryPlace(count: Int) {
    for place in 0..<count {
      for byte in UInt8.min...UInt8.max {
        var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: count)
        bytes[place] = byte
        let isSpecial = byte < 0x20 || byte == 0x22 || byte == 0x5C
        let (length, isASCII) = Self.length(bytes)
        #expect(length == (isSpecial ? place : count), "byte \(byte) at \(place) of \(count)")
        #expect(isASCII == (isSpecial || byte < 0x80), "byte \(byte) at \(place) of \(count)")
      }
    }
  }

  /// What stands next to a special byte does not matter: subtracting in words borrows from the next byte.
  @Test func everyPairOfBytes() {
    for first in UInt8.min...UInt8.max {
      for second in UInt8.min...UInt8.max {
        let expected = PlainRun.isSpecial(first) ? 3 : PlainRun.isSpecial(second) ? 4 : 8
        #expect(Self.length([97, 98, 99, first, second, 97, 0xC3, 0xA4]).count == expected, "\(first), \(second)")
      }
    }
  }

  @Test func emptyTextIsPlain() {
    let (count, isASCII) = Self.length([])
    #expect(count == 0 && isASCII)
  }
}
