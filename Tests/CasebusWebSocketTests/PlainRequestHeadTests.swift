import NIOCore
import Testing

@testable import CasebusWebSocket

/// The plain form of an opening handshake is taken; everything that is not exactly it is left to an HTTP parser.
@Suite struct PlainRequestHeadTests {
  static let good = """
    GET /v2?workspace=a HTTP/1.1\r
    Host: localhost:8080\r
    Upgrade: websocket\r
    Connection: keep-alive, Upgrade\r
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
    Sec-WebSocket-Version: 13\r
    \r\n
    """

  @Test func plainHandshakeIsReadWhole() throws {
    let head = try #require(Self.read(Self.good))
    #expect(head.target == "/v2?workspace=a")
    #expect(head.fields.map(\.name) == ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"])
    #expect(
      head.fields.map(\.value)
        == ["localhost:8080", "websocket", "keep-alive, Upgrade", "dGhlIHNhbXBsZSBub25jZQ==", "13"])
    #expect(head.byteCount == Self.good.utf8.count)
  }

  @Test func bytesBehindTheHeadAreNotPartOfIt() throws {
    #expect(try #require(Self.read(Self.good + "\u{81}more\r\n\r\n")).byteCount == Self.good.utf8.count)
  }

  @Test func blanksBeforeAValueAreNotPartOfIt() throws {
    for blanks in ["", " ", "   "] {
      let head = try #require(Self.read("GET / HTTP/1.1\r\nHost:\(blanks)a b\r\n\r\n"))
      #expect(head.fields.map(\.value) == ["a b"])
    }
  }

  @Test func everyPartOfAHeadIsTooLittle() {
    for count in 0..<Self.good.utf8.count {
      #expect(Self.read(String(Self.good.unicodeScalars.prefix(count))) == nil, "\(count) bytes")
    }
  }

  @Test(arguments: [
    "POST / HTTP/1.1\r\n\r\n", "get / HTTP/1.1\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
    "GET  / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "GET /\u{7F} HTTP/1.1\r\n\r\n",
    "GET /\u{E9} HTTP/1.1\r\n\r\n", "\r\nGET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\n\n", "GET / HTTP/1.1\r\nA: b\n\r\n",
    "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", "GET / HTTP/1.1\r\nA : b\r\n\r\n",
    "GET / HTTP/1.1\r\n: b\r\n\r\n", "GET / HTTP/1.1\r\nA\r\n\r\n", "GET / HTTP/1.1\r\nA:\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b \r\n\r\n", "GET / HTTP/1.1\r\nA:\tb\r\n\r\n", "GET / HTTP/1.1\r\nA: b\u{0}\r\n\r\n",
    "GET / HTTP/1.1\r\nA: \u{E9}\r\n\r\n", "GET / HTTP/1.1\r\nA_b: c\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "GET / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc",
    "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "GET / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n",
  ])
  func otherFormsAreLeftToAParser(_ text: String) {
    #expect(Self.read(text) == nil)
  }

  @Test func limitsAreKept() {
    let count = Self.good.utf8.count
    #expect(Self.read(Self.good, bytesMax: count) != nil)
    #expect(Self.read(Self.good, bytesMax: count - 1) == nil)
    #expect(Self.read(Self.good, fieldsMax: 5) != nil)
    #expect(Self.read(Self.good, fieldsMax: 4) == nil)
  }

  @Test func everyPartOfAHeadIsIncomplete() {
    for count in 1..<Self.good.utf8.count {
      #expect(Self.isIncomplete(String(Self.good.unicodeScalars.prefix(count))), "\(count) bytes")
    }
    #expect(!Self.isIncomplete(Self.good))
  }

  @Test(arguments: [
    "POST", "GET /\n", "GET / HTTP/1.0", "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\n ", "GET / HTTP/1.1\r\nA: b\n",
    "GET / HTTP/1.1\r\nA: b\r\n c", "GET / HTTP/1.1\r\nContent-Length:", "GET / HTTP/1.1\r\nA_", "\r\n", "\u{16}\u{3}",
  ])
  func whatNoHeadBeginsWithIsNotIncomplete(_ text: String) {
    #expect(!Self.isIncomplete(text))
  }

  @Test func aPartThatReachesTheLimitIsNotIncomplete() {
    #expect(Self.isIncomplete("GET / HTTP/1.1\r\n", bytesMax: 17))
    #expect(!Self.isIncomplete("GET / HTTP/1.1\r\n", bytesMax: 16))
  }

  @Test(arguments: ["GET", "HEAD"]) func methodIsTold(_ method: String) throws {
    #expect(try #require(Self.read("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n")).method == method)
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\nHost: a\r\n", PlainRequestHead.Purpose.resource),
    ("HEAD /a?b HTTP/1.1\r\nhost: a\r\nX: y\r\n", .resource),
    ("GET / HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive\r\n", .resource),
    ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", .other),
    ("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n", .other),
    ("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, x\r\n", .other),
    ("GET / HTTP/1.1\r\nX: a\r\n", .other), ("GET / HTTP/1.1\r\nHost: a\r\nHOST: a\r\n", .other),
    ("GET http://a/ HTTP/1.1\r\nHost: a\r\n", .other), ("GET * HTTP/1.1\r\nHost: a\r\n", .other),
    ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n", .upgrade),
    ("GET / HTTP/1.1\r\nupgrade: websocket\r\nHost: a\r\n", .upgrade),
  ])
  func purposeIsTold(_ lines: String, _ purpose: PlainRequestHead.Purpose) throws {
    #expect(try #require(Self.read(lines + "\r\n")).purpose == purpose)
  }

  private static func isIncomplete(_ text: String, bytesMax: Int = 4096) -> Bool {
    let bytes = text.unicodeScalars.map { UInt8($0.value) }
    return switch PlainRequestHead.read(ByteBuffer(bytes: bytes), bytesMax: bytesMax, fieldsMax: 100) {
    case .incomplete: true
    case .whole, .other: false
    }
  }

  /// - Parameter text: every scalar is one byte.
  private static func read(_ text: String, bytesMax: Int = 4096, fieldsMax: Int = 100) -> PlainRequestHead? {
    let bytes = text.unicodeScalars.map { UInt8($0.value) }
    guard
      case .whole(let head) = PlainRequestHead.read(
        ByteBuffer(bytes: bytes), bytesMax: bytesMax, fieldsMax: fieldsMax)
    else { return nil }
    return head
  }
}
