import CasebusDeflate
import CasebusWebSocket
import NIOCore
import Testing

@Suite("What the deflater makes the inflater reads")
struct RoundTripTests {
  /// Messages of many kinds: empty, tiny, repeating, random, longer than any window.
  private func messages(seed: UInt64) -> [[UInt8]] {
    var random = SplitMix(seed: seed)
    return (0..<12).map { index in
      let count = [0, 1, 7, 100, 5000, 70_000].randomElement(using: &random)!
      let alphabet: ClosedRange<UInt8> = index % 3 == 0 ? 0...255 : 97...99
      return (0..<count).map { _ in UInt8.random(in: alphabet, using: &random) }
    }
  }

  @Test("Random messages, every window and level, with context and without", arguments: 9...15, [true, false])
  func random(windowBits: Int, keepsContext: Bool) throws {
    let direction = DeflateAgreement.Direction(windowBits: windowBits, keepsContext: keepsContext)
    for level in [1, 6, 9] {
      let (deflater, inflater) = (Deflater(direction, level: level), Inflater(direction))
      for message in messages(seed: UInt64(windowBits * 10 + level)) {
        let deflated = deflater.message(message)
        #expect(try inflater.message(deflated, pieceBytes: 1000) == message)
      }
    }
  }

  @Test("One byte at a time")
  func bytewise() throws {
    let (deflater, inflater) = (Deflater(.context), Inflater(.context))
    for message in messages(seed: 3).filter({ $0.count <= 5000 }) {
      let deflated = deflater.message(message)
      #expect(try inflater.message(deflated, pieceBytes: 1) == message)
    }
  }

  @Test("Every byte gives all the text it can, at once", arguments: [300, 600, 5000])
  func nothingHeldBack(count: Int) throws {
    let deflated = Deflater(.noContext).message([UInt8](repeating: 0x61, count: count))
    let bytewise = Inflater(.context)
    var output = ByteBuffer()
    for end in 1...deflated.count {
      try bytewise.inflate(ByteBuffer(bytes: [deflated[end - 1]]), into: &output, outputBytesMax: count)
      var expected = ByteBufferAllocator().buffer(capacity: 8192)
      try Inflater(.context).inflate(ByteBuffer(bytes: deflated[..<end]), into: &expected, outputBytesMax: count)
      #expect(output == expected, "after \(end) bytes")
    }
    #expect(output.readableBytes == count)
  }

  @Test("Context makes the second of two like messages small")
  func contextHelps() {
    let event = [UInt8](#"{"event":"interaction","data":{"eventType":"TALKING"},"userAgent":"WWE Server"}"#)
    let (context, noContext) = (Deflater(.context), Deflater(.noContext))
    let (first, alone) = (context.message(event), noContext.message(event))
    #expect(first == alone)
    #expect(context.message(event).count < 10)
    #expect(noContext.message(event) == alone)
  }

  @Test("Output that ends exactly where the room does is complete", arguments: 40..<160)
  func roomBoundary(count: Int) throws {
    var random = SplitMix(seed: UInt64(count))
    let message = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    for capacity in [64, 128] {
      var output = ByteBufferAllocator().buffer(capacity: capacity)
      let deflater = Deflater(.context)
      deflater.deflate(ByteBuffer(bytes: message), into: &output)
      let inflater = Inflater(.context)
      #expect(try inflater.message(Array(output.readableBytesView)) == message)
      #expect(try inflater.message(deflater.message(message)) == message)
    }
  }
}

/// Both ends of one connection, with real frames.
@Suite("Compressed connections")
struct CompressedConnectionTests {
  static let agreements: [DeflateAgreement] = [
    DeflateAgreement(server: .noContext),
    DeflateAgreement(server: .noContext, client: .noContext),
    DeflateAgreement(
      server: .init(windowBits: 9, keepsContext: false), client: .init(windowBits: 10, keepsContext: true)),
  ]

  @Test("Messages go both ways", arguments: agreements)
  func bothWays(agreement: DeflateAgreement) {
    let deflaters = SharedDeflaters(level: 1)
    var server = WebSocketConnection(
      role: .server, compression: .server(agreement, thresholdBytes: 64, deflaters: deflaters))
    var client = WebSocketConnection(
      role: .client { WebSocketMaskingKey(0xA1B2_C3D4) }, compression: .client(agreement, thresholdBytes: 64))
    for count in [1, 63, 64, 65, 1000, 100_000] {
      let text = ByteBuffer(string: String(repeating: "€", count: count))
      var (fromServer, fromClient) = (server.sendText(text)!, client.sendBinary(text)!)
      #expect(fromServer.readableBytes <= min(3 * count, 2000) + 14)
      server.receive(&fromClient, at: 0)
      client.receive(&fromServer, at: 0)
      #expect(server.nextEvent() == .binary(text))
      #expect(client.nextEvent() == .text(text))
    }
  }

  @Test("One deflated payload serves every client that agreed on its window")
  func shared() {
    let agreement = DeflateAgreement(server: .noContext)
    let text = ByteBuffer(string: String(repeating: "event ", count: 50))
    var deflated = ByteBuffer()
    SharedDeflaters().deflater(windowBits: 15).deflate(text, into: &deflated)
    var frame = ByteBuffer()
    WebSocketFrame.appendHeader(opcode: .text, payloadBytes: deflated.readableBytes, compressed: true, to: &frame)
    frame.writeImmutableBuffer(deflated)
    for _ in 0..<3 {
      var client = WebSocketConnection(
        role: .client { WebSocketMaskingKey(1) }, compression: .client(agreement, thresholdBytes: 64))
      for _ in 0..<2 {
        var copy = frame
        client.receive(&copy, at: 0)
        #expect(client.nextEvent() == .text(text))
      }
    }
  }

  @Test("A wrong byte in inflated text fails before the message ends")
  func failFast() {
    var server = WebSocketConnection(
      role: .server,
      compression: .server(DeflateAgreement(server: .noContext), thresholdBytes: 0, deflaters: SharedDeflaters()))
    let deflated = Deflater(.context).message([0x61, 0xFF, 0x61])
    var frame = ByteBuffer(bytes: [0x41, 0x80 + UInt8(deflated.count), 0, 0, 0, 0] + deflated)
    server.receive(&frame, at: 0)
    #expect(server.nextEvent() == .failed(.textNotUTF8))
  }

  @Test("Shared deflaters are made once for each window")
  func sharedOnce() {
    let deflaters = SharedDeflaters()
    #expect(deflaters.deflater(windowBits: 12) === deflaters.deflater(windowBits: 12))
    #expect(deflaters.deflater(windowBits: 12) !== deflaters.deflater(windowBits: 13))
  }
}
