package import struct NIOCore.ByteBuffer

/// The head of a plain request for a WebSocket connection or a page: GET or HEAD, HTTP/1.1, no body, visible ASCII, received
/// completely.
///
/// It accepts less than RFC 9112 §3 and §5 allow and never more: an HTTP parser reads or refuses the rest.
/// It costs a tenth of such a parser and its upgrade (Docs/internals/fan-out.md).
package struct PlainRequestHead {
  package typealias Field = (name: String, value: String)

  /// What a buffer begins with.
  package enum Reading: Sendable {
    case whole(PlainRequestHead)
    /// The beginning of a plain head; the rest may follow.
    case incomplete
    /// Anything else, or a head above a limit.
    case other
  }

  /// GET or HEAD.
  package let method: String
  package let target: String
  package let fields: [Field]
  /// The length of the head in bytes, with the empty line.
  package let byteCount: Int

  /// - Parameters:
  ///   - bytesMax: the maximum length of a head.
  ///   - fieldsMax: the maximum number of fields.
  package static func read(_ buffer: ByteBuffer, bytesMax: Int, fieldsMax: Int) -> Reading {
    buffer.withUnsafeReadableBytes { bytes in
      var reader = PlainHeadReader(bytes: UnsafeRawBufferPointer(rebasing: bytes.prefix(bytesMax)))
      if let head = reader.read(fieldsMax: fieldsMax) { return .whole(head) }
      return reader.isIncomplete && bytes.count < bytesMax ? .incomplete : .other
    }
  }
}

extension PlainRequestHead {
  package enum Purpose: Sendable {
    /// It has an Upgrade header.
    case upgrade
    /// It asks for a resource of this server, and the connection may stay open for the next request (RFC 9112 §9.3).
    case resource
    case other
  }

  package var purpose: Purpose {
    var hosts = 0
    var maySayOpen = true
    for field in fields {
      if Self.isName(field.name, "upgrade") { return .upgrade }
      if Self.isName(field.name, "host") { hosts += 1 }
      if Self.isName(field.name, "connection") { maySayOpen = maySayOpen && Self.isName(field.value, "keep-alive") }
    }
    return hosts == 1 && maySayOpen && target.utf8.first == UInt8(ascii: "/") ? .resource : .other
  }

  private static func isName(_ text: String, _ lowercased: StaticString) -> Bool {
    text.utf8.count == lowercased.utf8CodeUnitCount && text.lowercased() == lowercased.description
  }
}

private struct PlainHeadReader {
  let bytes: UnsafeRawBufferPointer
  private var position = 0
  /// The bytes match so far, and the rest can follow.
  private(set) var isIncomplete = false

  init(bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  mutating func read(fieldsMax: Int) -> PlainRequestHead? {
    guard let method = method(), let target = text(while: { $0 > 0x20 && $0 < 0x7F }), skip(" HTTP/1.1\r\n") else {
      return nil
    }
    var fields: [PlainRequestHead.Field] = []
    fields.reserveCapacity(16)
    while !skip("\r\n") {
      guard fields.count < fieldsMax, let field = field() else { return nil }
      fields.append(field)
    }
    return PlainRequestHead(method: method, target: target, fields: fields, byteCount: position)
  }

  private mutating func method() -> String? {
    if skip("GET ") { return "GET" }
    return skip("HEAD ") ? "HEAD" : nil
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
    isIncomplete = isIncomplete || position == bytes.count
    return position > start ? String(decoding: bytes[start..<position], as: UTF8.self) : nil
  }

  private mutating func skip(_ text: StaticString) -> Bool {
    let end = position + text.utf8CodeUnitCount
    for index in position..<min(end, bytes.count) where bytes[index] != text.utf8Start[index - position] {
      return false
    }
    guard end <= bytes.count else {
      isIncomplete = true
      return false
    }
    position = end
    return true
  }
}
