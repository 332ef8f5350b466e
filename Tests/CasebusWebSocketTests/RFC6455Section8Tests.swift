import NIOCore
import Testing

@testable import CasebusWebSocket

@Suite("RFC 6455 §8.1 UTF-8 of text messages")
struct TextTests {
  static let valid: [String] = [
    "", "48 65 6c 6c 6f", "00", "7f", "c2 80", "df bf", "e0 a0 80", "ed 9f bf", "ee 80 80", "ef bf bf", "f0 90 80 80",
    "f4 8f bf bf", "ce ba e1 bd b9 cf 83 ce bc ce b5", "61 62 63 64 65 66 67 68 69 c3 a9 61 62 63 64 65 66 67 68",
  ]

  @Test("Well-formed text is delivered", arguments: valid, Split.allCases)
  func wellFormed(text: String, split: Split) {
    let bytes = [UInt8](hex: text)
    var server = WebSocketConnection(role: .server)
    #expect(server.take(Frame.masked(0x81, bytes), split) == Outcome(events: [.text(ByteBuffer(bytes: bytes))]))
  }

  /// Text up to the first byte that cannot be part of any well-formed text.
  static let wrong: [String] = [
    "80", "bf", "c0", "c1", "f5", "ff", "61 80", "c2 41", "c2 c2", "e0 80", "e0 9f", "e1 80 41", "e2 28", "ed a0",
    "ed bf", "f0 80", "f0 8f", "f0 90 80 41", "f4 90", "f1 80 c0", "61 62 63 64 65 66 67 68 69 ff",
    "ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0",
  ]

  @Test("A wrong byte fails as soon as it arrives, in the middle of a frame", arguments: wrong, Split.allCases)
  func failFast(text: String, split: Split) {
    let bytes = [UInt8](hex: text)
    let frame = Frame.masked(0x01, bytes + .repeating("x", 20))
    var server = WebSocketConnection(role: .server)
    #expect(server.take(Array(frame.prefix(6 + bytes.count - 1)), split) == Outcome())
    let outcome = server.take([frame[6 + bytes.count - 1]])
    let close = Frame.close(1007, "invalid_payload: text message not UTF-8")
    #expect(outcome == Outcome(events: [.failed(.textNotUTF8)], outbound: Frame.plain(0x88, close), isClosed: true))
  }

  @Test(
    "A message that ends inside a character closes with 1007", arguments: ["c2", "e1 80", "f0 90 80"], Split.allCases)
  func cutShort(text: String, split: Split) {
    var server = WebSocketConnection(role: .server)
    #expect(server.take(Frame.masked(0x01, [UInt8](hex: text)), split) == Outcome())
    #expect(server.take(Frame.masked(0x80), split).events == [.failed(.textNotUTF8)])
  }

  @Test("A binary message may hold anything")
  func binary() {
    var server = WebSocketConnection(role: .server)
    #expect(server.take(Frame.masked(0x82, [0xFF, 0xC0])).events == [.binary(ByteBuffer(bytes: [0xFF, 0xC0]))])
  }

  @Test("The validator agrees with the standard library on random near-text")
  func agreesWithStandardLibrary() {
    var random = SplitMix(seed: 8)
    let pieces: [[UInt8]] = (Self.valid + Self.wrong).map { [UInt8](hex: $0) }
    for _ in 0..<5000 {
      let bytes = (0..<Int.random(in: 0...4, using: &random)).flatMap { _ in pieces.randomElement(using: &random)! }
      var validator = UTF8Validator()
      let cut = Int.random(in: 0...bytes.count, using: &random)
      let isValid =
        bytes[..<cut].withUnsafeBytes { validator.consume($0) }
        && bytes[cut...].withUnsafeBytes { validator.consume($0) }
        && validator.isComplete
      #expect(isValid == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes.hex)")
    }
  }
}
