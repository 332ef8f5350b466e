import CasebusDeflate
import CasebusWebSocket
import NIOCore
import Testing

@Suite("Inflating stops at the limit")
struct OutputLimitTests {
  static let bomb = Deflater(.noContext, level: 9).message([UInt8](repeating: 0, count: 16 << 20))

  @Test("A message of exactly the limit is fine, one byte more is not", arguments: [1, 5, 6, 255, 256, 257, 70_000])
  func limit(count: Int) throws {
    let text = (0..<count).map { UInt8(truncatingIfNeeded: $0 % 251) }
    let message = Deflater(.noContext).message(text)
    for pieceBytes in [Int.max, 1] {
      #expect(try Inflater(.context).message(message, pieceBytes: pieceBytes, bytesMax: count) == text)
      #expect(throws: InflateError.outputTooLarge) {
        try Inflater(.context).message(message, pieceBytes: pieceBytes, bytesMax: count - 1)
      }
    }
  }

  @Test("A bomb costs no more than the limit", arguments: [1000, 65_536, 1 << 20])
  func bomb(bytesMax: Int) {
    #expect(Self.bomb.count < 20_000)
    var output = ByteBuffer()
    let inflater = Inflater(.context)
    #expect(throws: InflateError.outputTooLarge) {
      try inflater.inflate(ByteBuffer(bytes: Self.bomb), into: &output, outputBytesMax: bytesMax)
    }
    #expect(output.readableBytes == bytesMax)
    #expect(output.capacity < 2 * bytesMax)
  }

  @Test("A flood of empty final blocks inflates to nothing, at the cost of its own bytes")
  func emptyFinalBlocks() throws {
    let flood = [[UInt8]](repeating: [0x03, 0x00], count: 1 << 18).flatMap { $0 }
    #expect(try Inflater(.context).message(flood + [0x00], bytesMax: 1) == [])
  }

  @Test("A connection closes on a bomb with 1009 and keeps nothing of it")
  func connection() {
    let limits = WebSocketLimits(messageBytesMax: 65_536)
    let compression = MessageCompression.server(
      DeflateAgreement(server: .noContext), thresholdBytes: 0, deflaters: SharedDeflaters())
    var server = WebSocketConnection(role: .server, limits: limits, compression: compression)
    var frame = ByteBuffer(bytes: [0xC2, 0xFE, UInt8(Self.bomb.count >> 8), UInt8(Self.bomb.count & 0xFF), 0, 0, 0, 0])
    frame.writeBytes(Self.bomb)
    server.receive(&frame, at: 0)
    #expect(server.nextEvent() == .failed(.messageTooLarge))
    #expect(server.nextOutbound()?.getInteger(at: 2, as: UInt16.self) == 1009)
  }
}
