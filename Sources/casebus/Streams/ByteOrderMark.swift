/// How a text says at its beginning in which encoding it is (The Unicode Standard §23.8).
struct ByteOrderMark {
  let encoding: String
  let bytes: [UInt8]

  static let bytesMax = 4

  /// The longer ones first: UTF-16's first mark is the beginning of UTF-32's. Those without a mark are known by the zeros
  /// that UTF-8 has not in a text: a line of JSON begins with ASCII.
  private static let all = [
    ByteOrderMark(encoding: "UTF-32", bytes: [0xFF, 0xFE, 0, 0]),
    ByteOrderMark(encoding: "UTF-32", bytes: [0, 0, 0xFE, 0xFF]),
    ByteOrderMark(encoding: "UTF-16", bytes: [0xFF, 0xFE]),
    ByteOrderMark(encoding: "UTF-16", bytes: [0xFE, 0xFF]),
    ByteOrderMark(encoding: "UTF-8", bytes: [0xEF, 0xBB, 0xBF]),
    ByteOrderMark(encoding: "UTF-16", bytes: [0, UInt8(ascii: "{")]),
    ByteOrderMark(encoding: "UTF-16", bytes: [UInt8(ascii: "{"), 0]),
  ]

  private init(encoding: String, bytes: [UInt8]) {
    self.encoding = encoding
    self.bytes = bytes
  }

  /// - Returns: nil if there is none.
  init?(atStartOf text: some Collection<UInt8>) {
    guard let mark = Self.all.first(where: { text.starts(with: $0.bytes) }) else { return nil }
    self = mark
  }
}
