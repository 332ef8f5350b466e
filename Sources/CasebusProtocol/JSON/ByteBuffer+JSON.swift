public import struct NIOCore.ByteBuffer

extension ByteBuffer {
  /// Appends a value as compact JSON (Protocol §3.5).
  public mutating func writeJSON(_ value: JSONValue) {
    switch value {
    case .null: writeStaticString("null")
    case .boolean(let value): writeJSON(value)
    case .number(let number): writeString(number.text)
    case .string(let text): writeJSON(text)
    case .array(let elements): writeJSON(elements)
    case .object(let members): writeJSON(members)
    }
  }

  /// Appends `true` or `false`.
  public mutating func writeJSON(_ value: Bool) {
    writeStaticString(value ? "true" : "false")
  }

  /// Appends an object, its members in their order.
  public mutating func writeJSON(_ members: JSONObject) {
    writeInteger(UInt8(ascii: "{"))
    var isFirst = true
    for (name, value) in members {
      if !isFirst { writeInteger(UInt8(ascii: ",")) }
      isFirst = false
      writeJSON(name)
      writeInteger(UInt8(ascii: ":"))
      writeJSON(value)
    }
    writeInteger(UInt8(ascii: "}"))
  }

  private mutating func writeJSON(_ elements: [JSONValue]) {
    writeInteger(UInt8(ascii: "["))
    for (index, element) in elements.enumerated() {
      if index > 0 { writeInteger(UInt8(ascii: ",")) }
      writeJSON(element)
    }
    writeInteger(UInt8(ascii: "]"))
  }

  /// Appends a text as a JSON string: non-ASCII as it is, only quotes, backslashes and control characters escaped.
  public mutating func writeJSON(_ text: String) {
    writeInteger(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { utf8 in writeEscaped(utf8) }
    writeInteger(UInt8(ascii: "\""))
  }

  /// Copies runs of plain bytes at once; almost every string is a single run.
  private mutating func writeEscaped(_ utf8: UnsafeBufferPointer<UInt8>) {
    var runStart = 0
    for (index, byte) in utf8.enumerated() where byte < 0x20 || byte == 0x22 || byte == 0x5C {
      writeBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(utf8)[runStart..<index]))
      writeEscape(of: byte)
      runStart = index + 1
    }
    writeBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(utf8)[runStart...]))
  }

  private mutating func writeEscape(of byte: UInt8) {
    switch byte {
    case 0x22: writeStaticString("\\\"")
    case 0x5C: writeStaticString("\\\\")
    case 0x08: writeStaticString("\\b")
    case 0x0C: writeStaticString("\\f")
    case 0x0A: writeStaticString("\\n")
    case 0x0D: writeStaticString("\\r")
    case 0x09: writeStaticString("\\t")
    case _:
      let digits = String(byte, radix: 16)
      writeStaticString(digits.utf8.count == 1 ? "\\u000" : "\\u00")
      writeString(digits)
    }
  }
}

extension JSONValue {
  /// The value as compact JSON text.
  public var jsonText: String {
    var buffer = ByteBuffer()
    buffer.writeJSON(self)
    return String(buffer: buffer)
  }
}
