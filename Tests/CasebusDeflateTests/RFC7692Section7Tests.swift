import CasebusDeflate
import CasebusWebSocket
import NIOCore
import Testing

/// RFC 7692 §7.2.3: the examples of the standard, as literal bytes.
@Suite("RFC 7692 §7.2.3 examples")
struct ExampleTests {
  static let examples: [(section: String, messages: [String], texts: [String])] = [
    ("§7.2.3.1 one block", ["f2 48 cd c9 c9 07 00"], ["Hello"]),
    ("§7.2.3.2 sharing the window", ["f2 48 cd c9 c9 07 00", "f2 00 11 00 00"], ["Hello", "Hello"]),
    ("§7.2.3.3 a block without compression", ["00 05 00 fa ff 48 65 6c 6c 6f 00"], ["Hello"]),
    ("§7.2.3.4 a final block", ["f3 48 cd c9 c9 07 00 00"], ["Hello"]),
    ("§7.2.3.5 two blocks", ["f2 48 05 00 00 00 ff ff ca c9 c9 07 00"], ["Hello"]),
    ("§7.2.3.6 an empty message", ["00", "02 00", "f2 48 cd c9 c9 07 00"], ["", "", "Hello"]),
    ("the window outlives a final block", ["f3 48 cd c9 c9 07 00 00", "f2 00 11 00 00"], ["Hello", "Hello"]),
    ("a final block that the tail completes", ["f3 48 cd c9 c9 07 00 01", "f2 00 11 00 00"], ["Hello", "Hello"]),
  ]

  @Test(arguments: examples, [Int.max, 1, 3])
  func inflates(example: (section: String, messages: [String], texts: [String]), pieceBytes: Int) throws {
    let inflater = Inflater(.context)
    for (message, text) in zip(example.messages, example.texts) {
      #expect(
        try inflater.message([UInt8](hex: message), pieceBytes: pieceBytes) == [UInt8](text), "\(example.section)")
    }
  }

  @Test("Our deflater makes the bytes of §7.2.3.1 and §7.2.3.6")
  func deflates() throws {
    let deflater = Deflater(.context)
    let messages = ["Hello", "", "", "Hello"].map { deflater.message([UInt8]($0)) }
    #expect(messages[..<3] == [[UInt8](hex: "f2 48 cd c9 c9 07 00"), [0x00], [0x00]])
    #expect(messages[3].count < messages[0].count, "§7.2.3.2: the window is shared")
    let inflater = Inflater(.context)
    #expect(try messages.map { try inflater.message($0) } == ["Hello", "", "", "Hello"].map { [UInt8]($0) })
  }

  @Test("Without context every message is deflated alike")
  func deflatesWithoutContext() {
    let deflater = Deflater(.noContext)
    let messages = (0..<3).map { _ in deflater.message([UInt8]("Hello")) }
    #expect(messages == [[UInt8]](repeating: [UInt8](hex: "f2 48 cd c9 c9 07 00"), count: 3))
  }
}

@Suite("RFC 7692 §7.2.2 data that does not inflate")
struct InvalidDataTests {
  static let invalid: [(name: String, bytes: String)] = [
    ("block type 3", "07"),
    ("block type 3 after a good block", "f2 48 cd c9 c9 07 00 07"),
    ("a stored length that does not match its complement", "00 05 00 fa fe"),
    ("a distance before the beginning", "f2 00 11 00 00"),
    ("cut inside a block", "f2 48 cd"),
    ("cut inside a stored block", "00 08 00 f7 ff 48"),
    ("cut inside a block header", "04"),
    ("a final block without the byte that completes it", "f3 48 cd c9 c9 07 00"),
    ("too many codes", "fc ff"),
    ("text", "7b 22 65 76 65 6e 74 22"),
    ("a zlib header", "78 9c f2 48 cd c9 c9 07 00"),
  ]

  @Test(arguments: invalid, [Int.max, 1])
  func fails(row: (name: String, bytes: String), pieceBytes: Int) {
    let inflater = Inflater(.context)
    #expect(throws: InflateError.invalidData, "\(row.name)") {
      try inflater.message([UInt8](hex: row.bytes), pieceBytes: pieceBytes)
    }
  }

  @Test("A reference to an earlier message fails where no context was agreed on")
  func contextDropped() throws {
    let inflater = Inflater(.noContext)
    #expect(try inflater.message([UInt8](hex: "f2 48 cd c9 c9 07 00")) == [UInt8]("Hello"))
    #expect(throws: InflateError.invalidData) { try inflater.message([UInt8](hex: "f2 00 11 00 00")) }
  }

  @Test("A reference beyond the agreed window fails")
  func windowExceeded() throws {
    let far = (0..<2000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
    let message = Deflater(.init(windowBits: 15)).message(far + far)
    #expect(try Inflater(.init(windowBits: 15)).message(message) == far + far)
    #expect(throws: InflateError.invalidData) { try Inflater(.init(windowBits: 9)).message(message, pieceBytes: 1) }
  }
}
