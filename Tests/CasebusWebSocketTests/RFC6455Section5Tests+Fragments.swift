import NIOCore
import Testing

@testable import CasebusWebSocket

@Suite("RFC 6455 §5.4 fragmentation")
struct FragmentationTests {
  @Test("Fragments of any size, empty ones too, make one message", arguments: Split.allCases)
  func fragments(split: Split) {
    let bytes =
      Frame.masked(0x02) + Frame.masked(0x00, [1, 2, 3]) + Frame.masked(0x00) + Frame.masked(0x00, [4])
      + Frame.masked(0x80)
    var server = WebSocketConnection(role: .server)
    #expect(server.take(bytes, split) == Outcome(events: [.binary(ByteBuffer(bytes: [1, 2, 3, 4]))]))
  }

  @Test("Control frames between fragments are handled at once", arguments: Split.allCases)
  func interleaved(split: Split) {
    let bytes =
      Frame.masked(0x01, Array("he".utf8)) + Frame.masked(0x89, [7]) + Frame.masked(0x8A, [8])
      + Frame.masked(0x80, Array("y".utf8))
    var server = WebSocketConnection(role: .server)
    let outcome = server.take(bytes, split)
    #expect(outcome.events == [.ping, .pong(ByteBuffer(bytes: [8])), .text(ByteBuffer("hey"))])
    #expect(outcome.outbound == [0x8A, 0x01, 7])
  }

  @Test("A close frame between fragments ends the connection without the message", arguments: Split.allCases)
  func closeInside(split: Split) {
    let bytes =
      Frame.masked(0x01, Array("he".utf8)) + Frame.masked(0x88, Frame.close(1000))
      + Frame.masked(0x80, Array("y".utf8))
    var server = WebSocketConnection(role: .server)
    let outcome = server.take(bytes, split)
    #expect(outcome.events == [.closeReceived(code: .normalClosure, reason: "")])
    #expect(outcome.outbound == [0x88, 0x02, 0x03, 0xE8])
  }

  @Test("A character may be cut by fragments", arguments: Split.allCases)
  func cutCharacter(split: Split) {
    let euro: [UInt8] = [0xE2, 0x82, 0xAC]
    let bytes = Frame.masked(0x01, [euro[0]]) + Frame.masked(0x00, [euro[1]]) + Frame.masked(0x80, [euro[2]])
    var server = WebSocketConnection(role: .server)
    #expect(server.take(bytes, split) == Outcome(events: [.text(ByteBuffer("€"))]))
  }
}

@Suite("RFC 6455 §5.5 control frames")
struct ControlFrameTests {
  @Test("Pings are answered in order with their own payloads", arguments: Split.allCases)
  func pings(split: Split) {
    let payloads: [[UInt8]] = [[], Array("a".utf8), [UInt8](repeating: 0xFE, count: 125)]
    var server = WebSocketConnection(role: .server)
    let outcome = server.take(payloads.flatMap { Frame.masked(0x89, $0) }, split)
    #expect(outcome.events == [.ping, .ping, .ping])
    #expect(outcome.outbound == payloads.flatMap { Frame.plain(0x8A, $0) })
  }

  @Test("An answer sent between two events goes out before the close frame that follows")
  func answerBeforeFailure() {
    var server = WebSocketConnection(role: .server)
    var buffer = ByteBuffer(bytes: Frame.masked(0x81, Array("one".utf8)) + [0xA1])
    server.receive(&buffer, at: 0)
    #expect(server.nextEvent() == .text(ByteBuffer("one")))
    #expect(server.nextOutbound() == nil)
    #expect(server.sendText(ByteBuffer("echo"))?.array == Frame.plain(0x81, Array("echo".utf8)))
    #expect(server.nextEvent() == .failed(.reservedBits))
    #expect(server.takeOutbound().prefix(1) == [0x88])
    #expect(server.sendText(ByteBuffer("late")) == nil)
  }

  @Test("More pings in a minute than allowed close with 1008")
  func pingRate() {
    let second: Int64 = 1_000_000_000
    var server = WebSocketConnection(role: .server, limits: WebSocketLimits(pingsPerMinuteMax: 2))
    let ping = Frame.masked(0x89)
    #expect(server.take(ping + ping, at: 5 * second).events == [.ping, .ping])
    #expect(server.take(ping + ping, at: 65 * second).events == [.ping, .ping])
    let outcome = server.take(ping, at: 65 * second + 59 * second)
    #expect(outcome.events == [.failed(.tooManyPings)])
    #expect(outcome.outbound == Frame.plain(0x88, Frame.close(1008, "too_many_pings: too many pings in a minute")))
  }
}

@Suite("Limits of a connection: 1009 as soon as a header announces too much")
struct LimitTests {
  static let limits = WebSocketLimits(messageBytesMax: 300, frameBytesMax: 200, fragmentsPerMessageMax: 3)

  static let rows: [(name: String, fine: [UInt8], last: [UInt8], violation: WebSocketViolation?)] = [
    ("a frame at its limit", [0x82, 0xFE, 0x00], [0xC8], nil),
    ("a frame over its limit", [0x82, 0xFE, 0x00], [0xC9], .frameTooLarge),
    ("a huge frame", [0x82, 0xFF, 0x7F] + [UInt8](repeating: 0xFF, count: 6), [0xFF], .frameTooLarge),
    ("a message at its limit", Frame.masked(0x02, .repeating("x", 200)) + [0x80], [0x80 + 100], nil),
    ("a message over its limit", Frame.masked(0x02, .repeating("x", 200)) + [0x80], [0x80 + 101], .messageTooLarge),
    ("fragments at their limit", Frame.masked(0x02) + Frame.masked(0x00) + [0x80], [0x80], nil),
    (
      "fragments over their limit", Frame.masked(0x02) + Frame.masked(0x00) + Frame.masked(0x00),
      [0x80, 0x80, 0, 0, 0, 0], .tooManyFragments
    ),
    ("a ping in a message that is full", Frame.masked(0x02, .repeating("x", 200)) + [0x89], [0x80 + 125], nil),
  ]

  @Test(arguments: rows, Split.allCases)
  func limit(row: (name: String, fine: [UInt8], last: [UInt8], violation: WebSocketViolation?), split: Split) {
    var server = WebSocketConnection(role: .server, limits: Self.limits)
    #expect(server.take(row.fine, split) == Outcome(), "\(row.name)")
    let outcome = server.take(row.last, split)
    #expect(outcome.events == (row.violation.map { [.failed($0)] } ?? []), "\(row.name)")
    #expect(row.violation.map { $0.closeCode == .messageTooBig } ?? !outcome.isClosed)
  }

  @Test("Between messages a connection holds no buffer", arguments: Split.allCases)
  func idle(split: Split) {
    var server = WebSocketConnection(role: .server)
    let bytes = Frame.masked(0x01, .repeating("x", 5000)) + Frame.masked(0x89, [1]) + Frame.masked(0x80)
    #expect(server.take(bytes, split).events.count == 2)
    #expect(server.input.capacity == 0)
    #expect(server.outbound.capacity == 0)
    #expect(server.controlPayload.capacity == 0)
    #expect(server.message == nil)
  }

  @Test("A frame that announces much and sends little costs little")
  func noAdvanceAllocation() {
    var server = WebSocketConnection(role: .server)
    #expect(server.take([0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0] + Frame.key + [1, 2, 3]) == Outcome())
    #expect(server.message!.payload.capacity < 64)
  }

  @Test("A buffer still undrained is added to")
  func undrained() {
    var server = WebSocketConnection(role: .server)
    for text in ["a", "b"] {
      var buffer = ByteBuffer(bytes: Frame.masked(0x81, Array(text.utf8)))
      server.receive(&buffer, at: 0)
      #expect(buffer.readableBytes == 0)
    }
    #expect(server.nextEvent() == .text(ByteBuffer("a")))
    #expect(server.nextEvent() == .text(ByteBuffer("b")))
    #expect(server.nextEvent() == nil)
  }
}
