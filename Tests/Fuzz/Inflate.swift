import CasebusDeflate
import CasebusWebSocket
import NIOCore

/// Any compressed bytes inflate to the same message however they are cut, within the limit, or not at all; and any
/// message survives being deflated.
enum InflateFuzz {
  /// The first byte chooses window and context, the second the size of the pieces, the third the limit, the fourth
  /// where the first of two messages ends.
  /// - Returns: what went wrong.
  static func run(_ input: UnsafeRawBufferPointer) -> String? {
    guard input.count > 4 else { return nil }
    let bytes = Array(input[4...])
    let direction = DeflateAgreement.Direction(windowBits: 8 + Int(input[0] & 7), keepsContext: input[0] & 8 != 0)
    let end = bytes.count * Int(input[3]) / 255
    let messages = [Array(bytes[..<end]), Array(bytes[end...])]
    let bytesMax = Int(input[2]) * 64
    let whole = inflate(messages, direction, pieceBytes: .max, bytesMax: bytesMax)
    let cut = inflate(messages, direction, pieceBytes: 1 + Int(input[1] & 15), bytesMax: bytesMax)
    guard agree(whole, cut, direction) else { return "whole \(whole) but in pieces \(cut)" }
    guard whole.allSatisfy({ $0.count <= bytesMax }) else { return "more than \(bytesMax) bytes" }
    return complaintOfRoundTrip(messages, level: 1 + Int(input[1] >> 4) % 9)
  }

  /// The messages up to the first that does not inflate.
  private static func inflate(
    _ messages: [[UInt8]], _ direction: DeflateAgreement.Direction, pieceBytes: Int, bytesMax: Int
  ) -> [[UInt8]] {
    let inflater = Inflater(direction)
    var inflated: [[UInt8]] = []
    for message in messages {
      guard let output = try? inflate(message, inflater, pieceBytes: pieceBytes, bytesMax: bytesMax) else { break }
      inflated.append(output)
    }
    return inflated
  }

  private static func inflate(
    _ message: [UInt8], _ inflater: Inflater, pieceBytes: Int, bytesMax: Int
  ) throws(InflateError) -> [UInt8] {
    var output = ByteBuffer()
    var rest = message[...]
    while !rest.isEmpty {
      let piece = rest.prefix(pieceBytes)
      rest = rest.dropFirst(piece.count)
      try inflater.inflate(ByteBuffer(bytes: piece), into: &output, outputBytesMax: bytesMax)
    }
    try inflater.endMessage(into: &output, outputBytesMax: bytesMax)
    return Array(output.readableBytesView)
  }

  /// With a window smaller than the largest distance, zlib notices a reference beyond it only if the text referred to
  /// is not in the same piece of output, so that the cut may decide whether a message inflates, but not to what.
  private static func agree(_ whole: [[UInt8]], _ cut: [[UInt8]], _ direction: DeflateAgreement.Direction) -> Bool {
    direction.windowBits == 15 ? whole == cut : zip(whole, cut).allSatisfy { $0 == $1 }
  }

  private static func complaintOfRoundTrip(_ messages: [[UInt8]], level: Int) -> String? {
    let (deflater, inflater) = (Deflater(.init(), level: level), Inflater(.init()))
    for message in messages {
      var deflated = ByteBuffer()
      deflater.deflate(ByteBuffer(bytes: message), into: &deflated)
      let bytes = Array(deflated.readableBytesView)
      let back = try? inflate(bytes, inflater, pieceBytes: .max, bytesMax: message.count)
      guard back == message else { return "\(message) came back as \(String(describing: back))" }
    }
    return nil
  }
}

#if FUZZING
  @_cdecl("LLVMFuzzerTestOneInput")
  public func fuzzInflate(_ bytes: UnsafeRawPointer?, _ count: Int) -> CInt {
    if let complaint = InflateFuzz.run(UnsafeRawBufferPointer(start: bytes, count: count)) { fatalError(complaint) }
    return 0
  }
#endif
