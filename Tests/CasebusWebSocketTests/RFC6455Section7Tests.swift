import NIOCore
import Testing

@testable import CasebusWebSocket

@Suite("RFC 6455 §7 closing")
struct ClosingTests {
  @Test(
    "A close frame is echoed with its code",
    arguments: [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
      as [UInt16], Split.allCases)
  func validCode(code: UInt16, split: Split) {
    var server = WebSocketConnection(role: .server)
    let outcome = server.take(Frame.masked(0x88, Frame.close(code, "bye ✓")), split)
    #expect(outcome.events == [.closeReceived(code: WebSocketCloseCode(rawValue: code), reason: "bye ✓")])
    #expect(outcome.outbound == Frame.plain(0x88, Frame.close(code)))
    #expect(outcome.isClosed)
  }

  @Test(
    "A code that must not be on the wire closes with 1002",
    arguments: [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] as [UInt16], Split.allCases)
  func invalidCode(code: UInt16, split: Split) {
    var server = WebSocketConnection(role: .server)
    let outcome = server.take(Frame.masked(0x88, Frame.close(code)), split)
    #expect(outcome.events == [.failed(.closeCodeInvalid(code))])
    #expect(outcome.outbound.prefix(4).dropFirst(2) == [0x03, 0xEA])
  }

  @Test("A close frame without a code is echoed without one", arguments: Split.allCases)
  func emptyBody(split: Split) {
    var server = WebSocketConnection(role: .server)
    let outcome = server.take(Frame.masked(0x88), split)
    let events: [WebSocketEvent] = [.closeReceived(code: .noStatusReceived, reason: "")]
    #expect(outcome == Outcome(events: events, outbound: [0x88, 0x00], isClosed: true))
  }

  static let bodies: [(body: [UInt8], violation: WebSocketViolation)] = [
    ([0x03], .closeBodyTooShort),
    ([0x03, 0xE8, 0xCE, 0xBA, 0xE1], .closeReasonNotUTF8),
    ([0x03, 0xE8, 0xED, 0xA0, 0x80], .closeReasonNotUTF8),
    ([0x03, 0xE8, 0xFF], .closeReasonNotUTF8),
  ]

  @Test("A malformed close body closes with its own code", arguments: bodies, Split.allCases)
  func malformedBody(row: (body: [UInt8], violation: WebSocketViolation), split: Split) {
    var server = WebSocketConnection(role: .server)
    let outcome = server.take(Frame.masked(0x88, row.body), split)
    let close = Frame.close(row.violation.closeCode.rawValue, row.violation.reason)
    #expect(outcome == Outcome(events: [.failed(row.violation)], outbound: Frame.plain(0x88, close), isClosed: true))
  }

  @Test("A reason may have 123 bytes")
  func longestReason() {
    var server = WebSocketConnection(role: .server)
    let reason = String(repeating: "r", count: 123)
    let outcome = server.take(Frame.masked(0x88, Frame.close(1000, reason)))
    #expect(outcome.events == [.closeReceived(code: .normalClosure, reason: reason)])
  }

  @Test("Nothing is read after the peer's close frame", arguments: Split.allCases)
  func afterClose(split: Split) {
    let late = Frame.masked(0x81, Array("late".utf8)) + Frame.masked(0x89) + Frame.masked(0x88) + [0xFF, 0xFF]
    var server = WebSocketConnection(role: .server)
    let outcome = server.take(Frame.masked(0x88, Frame.close(1000)) + late, split)
    #expect(outcome.events.count == 1)
    #expect(outcome.outbound == [0x88, 0x02, 0x03, 0xE8])
    #expect(server.take(late, split) == Outcome(isClosed: true))
  }

  @Test("Closing first: the peer's echo completes the handshake and is not answered", arguments: Split.allCases)
  func closingFirst(split: Split) {
    var server = WebSocketConnection(role: .server)
    #expect(server.startClose(code: .goingAway, reason: "maintenance") == .awaitPeer)
    #expect(server.takeOutbound() == Frame.plain(0x88, Frame.close(1001, "maintenance")))
    #expect(!server.isOpen && !server.isClosed)
    let outcome = server.take(Frame.masked(0x88, Frame.close(1001)), split)
    #expect(outcome == Outcome(events: [.closeReceived(code: .goingAway, reason: "")], isClosed: true))
  }

  @Test("Both sides close at once: each frame stands, none is answered")
  func bothStarted() {
    var server = WebSocketConnection(role: .server)
    var client = WebSocketConnection(role: .testClient)
    #expect(server.startClose(code: .goingAway) == .awaitPeer)
    #expect(client.startClose(code: .normalClosure) == .awaitPeer)
    let (fromServer, fromClient) = (server.takeOutbound(), client.takeOutbound())
    let atServer = server.take(fromClient)
    let atClient = client.take(fromServer)
    #expect(atServer == Outcome(events: [.closeReceived(code: .normalClosure, reason: "")], isClosed: true))
    #expect(atClient == Outcome(events: [.closeReceived(code: .goingAway, reason: "")], isClosed: true))
  }

  @Test("After our close frame messages are not delivered, pings still answered, rules still kept")
  func closeSent() {
    var server = WebSocketConnection(role: .server)
    #expect(server.startClose(code: .goingAway) == .awaitPeer)
    #expect(server.takeOutbound() == [0x88, 0x02, 0x03, 0xE9])
    let outcome = server.take(Frame.masked(0x81, Array("late".utf8)) + Frame.masked(0x89, [9]))
    #expect(outcome == Outcome(events: [.ping], outbound: [0x8A, 0x01, 9]))
    #expect(server.take([0x83]) == Outcome(events: [.failed(.reservedOpcode(3))], isClosed: true))
  }

  @Test("No frame is made once either side has begun to close")
  func sendingTooLate() {
    var closing = WebSocketConnection(role: .server)
    #expect(closing.startClose(code: .goingAway) == .awaitPeer)
    var closed = WebSocketConnection(role: .server)
    #expect(closed.take(Frame.masked(0x88)).isClosed)
    for var connection in [closing, closed] {
      #expect(connection.sendText(ByteBuffer("x")) == nil)
      #expect(connection.sendBinary(ByteBuffer("x")) == nil)
      #expect(connection.sendPing() == nil)
      #expect(connection.startClose(code: .normalClosure) == .alreadyClosing)
    }
  }

  @Test("A reason too long is cut at a whole character")
  func cutReason() {
    var server = WebSocketConnection(role: .server)
    #expect(server.startClose(code: .goingAway, reason: String(repeating: "x", count: 122) + "€") == .awaitPeer)
    #expect(server.takeOutbound() == Frame.plain(0x88, Frame.close(1001, String(repeating: "x", count: 122))))
  }

  @Test(
    "Every violation has a code that may be sent and a reason that fits",
    arguments: [
      .reservedBits, .reservedOpcode(15), .unmaskedClientFrame, .maskedServerFrame, .lengthNotMinimal, .lengthTooBig,
      .controlFrameTooLong, .fragmentedControlFrame, .unexpectedContinuation, .messageInsideMessage, .closeBodyTooShort,
      .closeCodeInvalid(.max), .closeReasonNotUTF8, .textNotUTF8, .compressedDataInvalid, .frameTooLarge,
      .messageTooLarge, .tooManyFragments, .tooManyPings,
    ] as [WebSocketViolation])
  func table(violation: WebSocketViolation) {
    #expect(violation.closeCode.isAllowedOnTheWire)
    #expect((1...123).contains(violation.reason.utf8.count))
    #expect(!violation.reason.contains("\n"))
  }
}
