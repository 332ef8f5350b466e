import CasebusDeflate
import CasebusWebSocket
import Testing

/// Messages deflated by Python 3.11's zlib module: `compressobj(level, DEFLATED, -bits, 8, strategy)`, each message
/// with `compress(m) + flush(Z_SYNC_FLUSH)` less the last four bytes. The strategies make every kind of block.
@Suite("Deflated by Python's zlib")
struct PythonZlibTests {
  struct Stream {
    var name: String
    var direction: DeflateAgreement.Direction
    var messages: [(deflated: String, text: String)]
  }

  private static func event(_ id: Int) -> String {
    #"{"event":"interaction","data":{"eventType":"TALKING","interaction":{"interactionId":""# + String(id)
      + #""}},"userAgent":"WWE Server","protocolVersion":2}"#
  }

  private static let eventPrefix =
    "aa564a2d4bcd2b51b252cacc2b492d4a4c2ec9cccf53d2514a492c4954b2aa86c8865416a402558438fa787bfab9036591d5021521713d5380"
  private static let eventSuffix =
    "6a6b75944a8b538b1cd321868787bb2a04a71695a51601751714e597e427e7e784a51615834d30aa0500"

  static let streams: [Stream] = [
    Stream(
      name: "level 6, with context", direction: .context,
      messages: [(eventPrefix + "0a0d95" + eventSuffix, event(1)), ("aaa685338c48760600", event(2))]),
    Stream(
      name: "level 9, no context", direction: .noContext,
      messages: [
        (eventPrefix + "0a0d95" + eventSuffix, event(1)),
        (eventPrefix + "0a8d94" + eventSuffix, event(2)),
      ]),
    Stream(
      name: "9 bits", direction: .init(windowBits: 9),
      messages: [
        (
          "ecc5310100200800b0ac0808fd1318c4ed599cacbeb361dbb66ddbb66ddbb66ddbf6c73f00",
          String(repeating: "abcdefgh", count: 1000)
        ),
        ("c2450300", String(repeating: "abcdefgh", count: 3)),
      ]),
    Stream(
      name: "Z_FIXED, 12 bits", direction: .init(windowBits: 12),
      messages: [("4a2f3abce7f0fc5485474d6bd209310100", String(repeating: "grüße €", count: 4))]),
    Stream(
      name: "Z_HUFFMAN_ONLY, 10 bits", direction: .init(windowBits: 10),
      messages: [
        (
          "04c1b10ac2500c05d05f913bbfc945c8d641a4282e96767ebc5e2420494963414affdd737670a325046ac9a82dd50d05"
            + "73cd0ad9c18d96c36f210443f7b8f7cf1b0ad492515baa1b64875a326a4b75eb67082e388e82efcae8deb484609aaea7"
            + "176363a060094f6ffe1919abba41cec71f", event(7)
        )
      ]),
    Stream(
      name: "Z_RLE, level 1, 11 bits", direction: .init(windowBits: 11),
      messages: [
        (
          "ecc1210100000002a0dbfade15362000000000c05d0100000080bb01",
          String(repeating: "x", count: 5000) + String(repeating: "y", count: 5000)
        )
      ]),
    Stream(name: "level 0", direction: .context, messages: [("000500faff706c61696e00", "plain")]),
  ]

  @Test(arguments: streams, [Int.max, 1])
  func inflates(stream: Stream, pieceBytes: Int) throws {
    let inflater = Inflater(stream.direction)
    for message in stream.messages {
      let text = try inflater.message([UInt8](hex: message.deflated), pieceBytes: pieceBytes)
      #expect(text == [UInt8](message.text), "\(stream.name)")
    }
  }
}
