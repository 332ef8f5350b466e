public import struct NIOCore.ByteBuffer

extension ByteBuffer {
  /// Appends a value as compact JSON (Protocol §3.5).
  public mutating func writeJSON(_ value: JSONValue) {
    writeJSONText(byteCount: value.jsonByteCount) { $0.write(value) }
  }

  /// Appends `true` or `false`.
  public mutating func writeJSON(_ value: Bool) {
    writeStaticString(value ? "true" : "false")
  }

  /// Appends an object; its members keep their order.
  public mutating func writeJSON(_ members: JSONObject) {
    writeJSONText(byteCount: members.jsonByteCount) { $0.write(members) }
  }

  /// Appends a text as a JSON string. Only quotes, backslashes and control characters are escaped.
  public mutating func writeJSON(_ text: String) {
    writeJSONText(byteCount: text.jsonByteCount) { $0.write(text) }
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
