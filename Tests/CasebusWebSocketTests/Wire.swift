import NIOCore

@testable import CasebusWebSocket

/// Everything a connection made of some bytes, in order.
struct Outcome: Equatable, CustomStringConvertible {
  var events: [WebSocketEvent] = []
  var outbound: [UInt8] = []
  var isClosed = false

  var description: String { "events \(events), outbound \(outbound.hex), \(isClosed ? "closed" : "not closed")" }
}

/// How a socket may cut a stream of bytes.
enum Split: CaseIterable, CustomStringConvertible {
  case whole
  case bytewise
  case random

  var description: String {
    switch self {
    case .whole: "whole"
    case .bytewise: "one byte at a time"
    case .random: "in random pieces"
    }
  }

  func pieces(of bytes: [UInt8]) -> [[UInt8]] {
    switch self {
    case .whole: [bytes]
    case .bytewise: bytes.map { [$0] }
    case .random: randomPieces(of: bytes)
    }
  }

  private func randomPieces(of bytes: [UInt8]) -> [[UInt8]] {
    var random = SplitMix(seed: UInt64(bytes.count))
    var rest = bytes[...]
    var pieces: [[UInt8]] = []
    while !rest.isEmpty {
      let count = Int.random(in: 1...min(rest.count, 9), using: &random)
      pieces.append(Array(rest.prefix(count)))
      rest = rest.dropFirst(count)
    }
    return pieces
  }
}

/// A generator whose numbers are the same in every run.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}

extension WebSocketConnection {
  /// Receives the bytes, cut by `split`, and drains as the type's documentation asks.
  mutating func take(_ bytes: [UInt8], _ split: Split = .whole, at now: Int64 = 0) -> Outcome {
    var outcome = Outcome()
    for piece in split.pieces(of: bytes) {
      var buffer = ByteBuffer(bytes: piece)
      receive(&buffer, at: now)
      while let event = nextEvent() {
        outcome.events.append(event)
        outcome.outbound += takeOutbound()
      }
      outcome.outbound += takeOutbound()
    }
    outcome.isClosed = isClosed
    return outcome
  }

  mutating func takeOutbound() -> [UInt8] {
    nextOutbound().map { Array($0.readableBytesView) } ?? []
  }
}

extension WebSocketRole {
  /// A client whose masking key is always 01 02 03 04.
  static let testClient = WebSocketRole.client { WebSocketMaskingKey(0x0102_0304) }
}

/// Frames as a peer would send them, made without the code under test.
enum Frame {
  static let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]

  /// From a client: masked, with the length in its shortest form.
  static func masked(_ first: UInt8, _ payload: [UInt8] = []) -> [UInt8] {
    [first] + length(payload.count, maskBit: 0x80) + key + payload.enumerated().map { $1 ^ key[$0 % 4] }
  }

  /// From a server.
  static func plain(_ first: UInt8, _ payload: [UInt8] = []) -> [UInt8] {
    [first] + length(payload.count, maskBit: 0) + payload
  }

  static func close(_ code: UInt16, _ reason: String = "") -> [UInt8] {
    [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8)
  }

  private static func length(_ count: Int, maskBit: UInt8) -> [UInt8] {
    switch count {
    case ..<126: [maskBit | UInt8(count)]
    case ..<65_536: [maskBit | 126, UInt8(count >> 8), UInt8(count & 0xFF)]
    default: [maskBit | 127] + (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }
    }
  }
}

extension [UInt8] {
  /// Bytes written as hexadecimal digits, blanks ignored.
  init(hex: String) {
    let digits = hex.filter { !$0.isWhitespace }
    self = stride(from: 0, to: digits.count, by: 2).map { offset in
      let start = digits.index(digits.startIndex, offsetBy: offset)
      return UInt8(digits[start...].prefix(2), radix: 16)!
    }
  }

  var hex: String {
    map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
  }

  static func repeating(_ byte: Character, _ count: Int) -> [UInt8] {
    [UInt8](repeating: byte.asciiValue!, count: count)
  }
}

extension ByteBuffer {
  init(_ text: String) {
    self.init(string: text)
  }

  var array: [UInt8] { Array(readableBytesView) }
}
