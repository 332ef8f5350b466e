/// Base64 (RFC 4648 §4), as far as the opening handshake needs it.
enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encode(_ bytes: [UInt8]) -> String {
    let groups = stride(from: 0, to: bytes.count, by: 3).map { bytes[$0..<min($0 + 3, bytes.count)] }
    return String(decoding: groups.flatMap(encodeGroup), as: UTF8.self)
  }

  /// Whether `text` is the encoding of exactly 16 bytes: 22 digits and two paddings.
  static func encodesSixteenBytes(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return bytes.count == 24 && bytes[..<22].allSatisfy(alphabet.contains) && bytes[22...].elementsEqual("==".utf8)
  }

  private static func encodeGroup(_ group: ArraySlice<UInt8>) -> [UInt8] {
    let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
    let digits = (0...group.count).map { alphabet[bits >> (18 - 6 * $0) & 0x3F] }
    return digits + [UInt8](repeating: UInt8(ascii: "="), count: 3 - group.count)
  }
}
