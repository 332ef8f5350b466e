package import struct NIOCore.ByteBuffer

/// The head of a plain WebSocket request: GET, HTTP/1.1, no body, visible ASCII, received completely.
///
/// It accepts less than RFC 9112 §3 and §5 allow and never more: an HTTP parser reads or refuses the rest.
/// It costs a tenth of such a parser and its upgrade (Docs/internals/fan-out.md).
package struct PlainRequestHead {
  package typealias Field = (name: String, value: String)

  package let target: String
  package let fields: [Field]
  /// The length of the head in bytes, with the empty line.
  package let byteCount: Int

  /// - Parameters:
  ///   - bytesMax: the maximum length of a head.
  ///   - fieldsMax: the maximum number of fields.
  /// - Returns: nil if the buffer does not begin with such a head.
  package init?(_ buffer: ByteBuffer, bytesMax: Int, fieldsMax: Int) {
    let head = buffer.withUnsafeReadableBytes { bytes in
      var reader = PlainHeadReader(bytes: UnsafeRawBufferPointer(rebasing: bytes.prefix(bytesMax)))
      return reader.read(fieldsMax: fieldsMax)
    }
    guard let head else { return nil }
    (target, fields, byteCount) = head
  }
}

private struct PlainHeadReader {
  let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  mutating func read(fieldsMax: Int) -> (target: String, fields: [PlainRequestHead.Field], byteCount: Int)? {
    guard skip("GET "), let target = text(while: { $0 > 0x20 && $0 < 0x7F }), skip(" HTTP/1.1\r\n") else { return nil }
    var fields: [PlainRequestHead.Field] = []
    fields.reserveCapacity(16)
    while !skip("\r\n") {
      guard fields.count < fieldsMax, let field = field() else { return nil }
      fields.append(field)
    }
    return (target, fields, position)
  }

  /// A field without trailing blanks in its value that announces neither a body nor `Expect`.
  private mutating func field() -> PlainRequestHead.Field? {
    guard let name = text(while: Self.isNameByte), skip(":"), !Self.isAboutBody(name) else { return nil }
    while position < bytes.count, bytes[position] == UInt8(ascii: " ") { position += 1 }
    guard let value = text(while: { $0 >= 0x20 && $0 < 0x7F }), value.utf8.last != UInt8(ascii: " "), skip("\r\n")
    else {
      return nil
    }
    return (name, value)
  }

  private static func isAboutBody(_ name: String) -> Bool {
    switch name.utf8.count {
    case "expect".utf8.count, "content-length".utf8.count, "transfer-encoding".utf8.count:
      ["expect", "content-length", "transfer-encoding"].contains(name.lowercased())
    case _: false
    }
  }

  /// RFC 9110 §5.6.2 allows more.
  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    case _: false
    }
  }

  /// The bytes up to the first one that does not match; nil if there are none.
  private mutating func text(while belongs: (UInt8) -> Bool) -> String? {
    let start = position
    while position < bytes.count, belongs(bytes[position]) { position += 1 }
    return position > start ? String(decoding: bytes[start..<position], as: UTF8.self) : nil
  }

  private mutating func skip(_ text: StaticString) -> Bool {
    let end = position + text.utf8CodeUnitCount
    guard end <= bytes.count else { return false }
    for index in position..<end where bytes[index] != text.utf8Start[index - position] { return false }
    position = end
    return true
  }
}
