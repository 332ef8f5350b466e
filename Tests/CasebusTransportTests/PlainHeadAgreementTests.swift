import CasebusTestSupport
import CasebusWebSocket
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

/// What is taken for a plain request by ourselves is one request without a body for NIO's parser, too: the same method, target and
/// fields, and it ends at the same byte. Otherwise something that hides in it could be read as another request.
@Suite struct PlainHeadAgreementTests {
  private static let seeds = [
    "GET /a?b=c HTTP/1.1\r\nHost: a:1\r\nAccept: */*\r\nCookie: a=b; c=d\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nX-Y: z\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /b HTTP/1.1\r\nHost: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /b HTTP/1.1\r\n\r\n",
  ]
  private static let pieces = [
    "\r\n", "\n", "\r", " ", "\t", "\0", ":", "\u{B}", "\u{7F}", "\u{A0}", "_", ",", "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "GET /b HTTP/1.1\r\n", "HTTP/1.0", "POST", "#", "\"",
    "{", "%", "\\",
    "\r\n ", "\n ", "Expect: 100-continue\r\n", "X:\r\n",
  ].map { $0.unicodeScalars.map { UInt8($0.value) } }

  @Test(arguments: 1...4) func bothReadTheSame(_ seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var taken = 0
    for _ in 0..<5000 {
      let bytes = ByteBuffer(bytes: Self.mutated(&random))
      guard case .whole(let head) = PlainRequestHead.read(bytes, bytesMax: 16_384, fieldsMax: 100) else { continue }
      guard head.purpose == .resource else { continue }
      taken += 1
      #expect(
        try Self.parsed(bytes.getSlice(at: 0, length: head.byteCount)!) == Parsed(head), "\(String(buffer: bytes))")
    }
    #expect(taken > 500, "so few say little")
  }

  private static func mutated(_ random: inout SplitMix64) -> [UInt8] {
    var bytes = Array(seeds.randomElement(using: &random)!.utf8)
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.remove(at: place)
      default: bytes.insert(contentsOf: pieces.randomElement(using: &random)!, at: place)
      }
    }
    return bytes
  }

  /// A request that ended; nil if it did not, or was none.
  private static func parsed(_ bytes: ByteBuffer) throws -> Parsed? {
    let channel = EmbeddedChannel(handler: ByteToMessageHandler(HTTPRequestDecoder()))
    defer { _ = try? channel.finish() }
    try channel.writeInbound(bytes)
    guard case .head(let head) = try channel.readInbound(as: HTTPServerRequestPart.self),
      case .end(nil) = try channel.readInbound(as: HTTPServerRequestPart.self)
    else { return nil }
    return Parsed(head)
  }

  private struct Parsed: Equatable {
    var method: String
    var target: String
    var fields: [[String]]

    init(_ head: PlainRequestHead) {
      (method, target) = (head.method, head.target)
      fields = head.fields.map { [$0.name, $0.value] }
    }

    init(_ head: HTTPRequestHead) {
      (method, target) = (head.method.rawValue, head.uri)
      fields = head.headers.map { [$0.name, $0.value] }
    }
  }
}
