import NIOCore
import Testing

@testable import CasebusWebSocket

/// RFC 6455 §5.7: the examples of the standard, as literal bytes.
@Suite("RFC 6455 §5.7 examples")
struct ExampleTests {
  @Test("A single-frame masked text message", arguments: Split.allCases)
  func maskedText(split: Split) {
    var server = WebSocketConnection(role: .server)
    let outcome = server.take([UInt8](hex: "81 85 37fa213d 7f9f4d5158"), split)
    #expect(outcome == Outcome(events: [.text(ByteBuffer("Hello"))]))
  }

  @Test("A single-frame unmasked text message", arguments: Split.allCases)
  func plainText(split: Split) {
    var client = WebSocketConnection(role: .testClient)
    let outcome = client.take([UInt8](hex: "81 05 48656c6c6f"), split)
    #expect(outcome == Outcome(events: [.text(ByteBuffer("Hello"))]))
  }

  @Test("A fragmented unmasked text message", arguments: Split.allCases)
  func fragmentedText(split: Split) {
    var client = WebSocketConnection(role: .testClient)
    let outcome = client.take([UInt8](hex: "01 03 48656c  80 02 6c6f"), split)
    #expect(outcome == Outcome(events: [.text(ByteBuffer("Hello"))]))
  }

  @Test("An unmasked ping is answered with a masked pong", arguments: Split.allCases)
  func plainPing(split: Split) {
    var client = WebSocketConnection(role: .testClient)
    let outcome = client.take([UInt8](hex: "89 05 48656c6c6f"), split)
    #expect(outcome == Outcome(events: [.ping], outbound: [UInt8](hex: "8a 85 01020304 49676f686e")))
  }

  @Test("A masked pong that nobody asked for", arguments: Split.allCases)
  func maskedPong(split: Split) {
    var server = WebSocketConnection(role: .server)
    let outcome = server.take([UInt8](hex: "8a 85 37fa213d 7f9f4d5158"), split)
    #expect(outcome == Outcome(events: [.pong(ByteBuffer("Hello"))]))
  }

  @Test("256 bytes and 64 KiB of binary unmasked", arguments: Split.allCases)
  func longBinary(split: Split) {
    let (short, long) = ([UInt8].repeating("s", 256), [UInt8].repeating("l", 65_536))
    let bytes = [UInt8](hex: "82 7e 0100") + short + [UInt8](hex: "82 7f 0000000000010000") + long
    var client = WebSocketConnection(role: .testClient)
    let outcome = client.take(bytes, split)
    #expect(outcome == Outcome(events: [.binary(ByteBuffer(bytes: short)), .binary(ByteBuffer(bytes: long))]))
  }
}

@Suite("RFC 6455 §5.2 base framing")
struct BaseFramingTests {
  @Test("Each payload length arrives whole, in each form of the length", arguments: Split.allCases)
  func lengths(split: Split) {
    for count in [0, 1, 7, 8, 9, 125, 126, 127, 255, 256, 65_535, 65_536] {
      let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      var server = WebSocketConnection(role: .server)
      let outcome = server.take(Frame.masked(0x82, payload), split)
      #expect(outcome == Outcome(events: [.binary(ByteBuffer(bytes: payload))]), "\(count) bytes")
    }
  }

  /// Frame bytes up to the one that breaks the rule, and the violation.
  struct BrokenRule {
    var bytes: String
    var violation: WebSocketViolation

    init(_ bytes: String, _ violation: WebSocketViolation) {
      self.bytes = bytes
      self.violation = violation
    }
  }

  static let brokenRules: [BrokenRule] = [
    BrokenRule("c1", .reservedBits), BrokenRule("a1", .reservedBits), BrokenRule("91", .reservedBits),
    BrokenRule("f1", .reservedBits), BrokenRule("c9", .reservedBits), BrokenRule("a8", .reservedBits),
    BrokenRule("9a", .reservedBits), BrokenRule("83", .reservedOpcode(3)), BrokenRule("84", .reservedOpcode(4)),
    BrokenRule("85", .reservedOpcode(5)), BrokenRule("86", .reservedOpcode(6)), BrokenRule("87", .reservedOpcode(7)),
    BrokenRule("8b", .reservedOpcode(11)), BrokenRule("8c", .reservedOpcode(12)),
    BrokenRule("8d", .reservedOpcode(13)), BrokenRule("8e", .reservedOpcode(14)),
    BrokenRule("8f", .reservedOpcode(15)), BrokenRule("03", .reservedOpcode(3)),
    BrokenRule("81 05", .unmaskedClientFrame), BrokenRule("89 00", .unmaskedClientFrame),
    BrokenRule("88 00", .unmaskedClientFrame), BrokenRule("82 fe 0000", .lengthNotMinimal),
    BrokenRule("82 fe 007d", .lengthNotMinimal), BrokenRule("82 ff 0000000000000000", .lengthNotMinimal),
    BrokenRule("82 ff 000000000000ffff", .lengthNotMinimal), BrokenRule("82 ff 80", .lengthTooBig),
    BrokenRule("82 ff ff", .lengthTooBig), BrokenRule("89 fe", .controlFrameTooLong),
    BrokenRule("8a ff", .controlFrameTooLong), BrokenRule("88 fe", .controlFrameTooLong),
    BrokenRule("09", .fragmentedControlFrame), BrokenRule("0a", .fragmentedControlFrame),
    BrokenRule("08", .fragmentedControlFrame), BrokenRule("80", .unexpectedContinuation),
    BrokenRule("00", .unexpectedContinuation), BrokenRule("01 80 00000000 81", .messageInsideMessage),
    BrokenRule("02 80 00000000 01", .messageInsideMessage), BrokenRule("01 80 00000000 82", .messageInsideMessage),
    BrokenRule("01 81 00000000 61 c0", .reservedBits),
  ]

  @Test("A broken rule fails at its byte, with one close frame", arguments: brokenRules, Split.allCases)
  func brokenRule(row: BrokenRule, split: Split) {
    let bytes = [UInt8](hex: row.bytes)
    var server = WebSocketConnection(role: .server)
    let before = server.take(Array(bytes.dropLast()), split)
    #expect(before == Outcome())
    let late = Frame.masked(0x81, Array("late".utf8))
    let outcome = server.take(bytes.suffix(1) + late, split)
    let close = Frame.plain(0x88, Frame.close(row.violation.closeCode.rawValue, row.violation.reason))
    #expect(outcome == Outcome(events: [.failed(row.violation)], outbound: close, isClosed: true))
  }

  @Test("A client refuses a masked frame with 1002", arguments: Split.allCases)
  func maskedServerFrame(split: Split) {
    var client = WebSocketConnection(role: .testClient)
    let outcome = client.take(Frame.masked(0x81, Array("x".utf8)), split)
    #expect(outcome.events == [.failed(.maskedServerFrame)])
    #expect(outcome.outbound.starts(with: [UInt8](hex: "88 b2 01020304 02e8")))
  }
}

@Suite("RFC 6455 §5.3 masking")
struct MaskingTests {
  @Test("The mask is the same at every offset and length as byte by byte")
  func wordsAgreeWithBytes() {
    let key = WebSocketMaskingKey(0x37FA_213D)
    for offset in 0..<9 {
      for count in 0..<40 {
        let source = (0..<count).map { UInt8($0 * 3) }
        var result = [UInt8](repeating: 0xEE, count: count)
        source.withUnsafeBytes { source in
          result.withUnsafeMutableBytes { key.apply(to: source, into: $0, payloadOffset: offset) }
        }
        #expect(result == source.enumerated().map { $1 ^ Frame.key[(offset + $0) % 4] })
      }
    }
  }
}
