import NIOCore
import Testing

@testable import CasebusWebSocket

/// Stands in for zlib: every byte pair is a count and a byte to repeat; a count of 0 is invalid.
private final class RunLengthInflater: MessageInflater {
  private var count: UInt8?

  func inflate(_ input: ByteBuffer, into output: inout ByteBuffer, outputBytesMax: Int) throws(InflateError) {
    for byte in input.readableBytesView {
      guard let repeats = count else {
        guard byte != 0 else { throw .invalidData }
        count = byte
        continue
      }
      count = nil
      guard output.readableBytes + Int(repeats) <= outputBytesMax else { throw .outputTooLarge }
      output.writeRepeatingByte(byte, count: Int(repeats))
    }
  }

  /// Shows that the end of the message was seen.
  func endMessage(into output: inout ByteBuffer, outputBytesMax: Int) throws(InflateError) {
    guard count == nil else { throw .invalidData }
    output.writeString("!")
  }
}

private final class RunLengthDeflater: MessageDeflater {
  func deflate(_ message: ByteBuffer, into output: inout ByteBuffer) {
    for byte in message.readableBytesView { output.writeBytes([1, byte]) }
  }
}

@Suite("RFC 7692 §6 compressed messages")
struct CompressedMessageTests {
  private func server(keepsContext: Bool = true, limits: WebSocketLimits = .init()) -> WebSocketConnection {
    let compression = MessageCompression(
      agreement: DeflateAgreement(client: .init(keepsContext: keepsContext)), thresholdBytes: 3,
      makeInflater: { RunLengthInflater() }, deflater: { RunLengthDeflater() })
    return WebSocketConnection(role: .server, limits: limits, compression: compression)
  }

  @Test("A compressed message is inflated, over fragments too", arguments: Split.allCases)
  func inflates(split: Split) {
    let bytes =
      Frame.masked(0xC1, [2, 0x61]) + Frame.masked(0x42, [1]) + Frame.masked(0x89) + Frame.masked(0x80, [0xFF])
    var server = server()
    let outcome = server.take(bytes, split)
    #expect(outcome.events == [.text(ByteBuffer("aa!")), .ping, .binary(ByteBuffer(bytes: [0xFF, 0x21]))])
  }

  @Test("A message without RSV1 is taken as it is", arguments: Split.allCases)
  func plain(split: Split) {
    var server = server()
    #expect(server.take(Frame.masked(0x81, Array("a".utf8)), split).events == [.text(ByteBuffer("a"))])
  }

  static let violations: [(bytes: [UInt8], violation: WebSocketViolation)] = [
    (Frame.masked(0x41, [1]) + [0xC0], .reservedBits),
    (Frame.masked(0x41, [1]) + [0x40], .reservedBits),
    ([0xC9], .reservedBits), ([0xC8], .reservedBits), ([0xCA], .reservedBits), ([0xE1], .reservedBits),
    (Frame.masked(0xC2, [0]), .compressedDataInvalid),
    (Frame.masked(0xC2, [1]), .compressedDataInvalid),
    (Frame.masked(0x41, [1, 0x80]), .textNotUTF8),
    (Frame.masked(0x42, [200, 0, 101, 0]), .messageTooLarge),
    (Frame.masked(0x42, .repeating("a", 60)) + Frame.masked(0x80, .repeating("a", 300)), .messageTooLarge),
  ]

  @Test("What breaks a rule of compressed messages fails", arguments: violations, Split.allCases)
  func brokenRule(row: (bytes: [UInt8], violation: WebSocketViolation), split: Split) {
    var server = server(limits: WebSocketLimits(messageBytesMax: 300))
    let outcome = server.take(row.bytes, split)
    #expect(outcome.events == [.failed(row.violation)])
    let close = Frame.close(row.violation.closeCode.rawValue, row.violation.reason)
    #expect(outcome.outbound == Frame.plain(0x88, close))
    #expect(server.inflater == nil)
  }

  @Test("An inflater is made at the first compressed message and kept only for its context", arguments: [true, false])
  func inflaterLife(keepsContext: Bool) {
    var server = server(keepsContext: keepsContext)
    #expect(server.take(Frame.masked(0x81, Array("plain".utf8))).events.count == 1)
    #expect(server.inflater == nil)
    #expect(server.take(Frame.masked(0xC1, [1, 0x61])).events == [.text(ByteBuffer("a!"))])
    #expect((server.inflater != nil) == keepsContext)
    #expect(server.take(Frame.masked(0x88)).isClosed)
    #expect(server.inflater == nil)
  }

  @Test("Messages from the threshold on are sent compressed")
  func threshold() {
    let server = server()
    #expect(server.sendText(ByteBuffer("ab"))?.array == [0x81, 2, 0x61, 0x62])
    #expect(server.sendText(ByteBuffer("abc"))?.array == [0xC1, 6, 1, 0x61, 1, 0x62, 1, 0x63])
    #expect(server.sendBinary(ByteBuffer("abc"))?.array == [0xC2, 6, 1, 0x61, 1, 0x62, 1, 0x63])
  }
}
