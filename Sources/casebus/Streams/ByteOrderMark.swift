/// The marks at the beginning of a text that name its encoding (The Unicode Standard §23.8).
struct ByteOrderMark {
  let encoding: String
  let bytes: [UInt8]

  static let bytesMax = 4

  /// The longer ones first: UTF-16's mark is the beginning of UTF-32's. Texts without a mark are recognized by zero bytes,
  /// which a line of JSON in UTF-8 does not have.
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
