public import struct NIOCore.ByteBuffer

/// Writes an object member by member: begin, any number of members, end.
///
/// Each member ends with a comma, and the end replaces the last one with the closing brace, so the calls need no state in
/// between. A nil value omits its member.
extension ByteBuffer {
  /// Appends `{`.
  public mutating func beginJSONObject() {
    writeInteger(UInt8(ascii: "{"))
  }

  /// Appends `}` in place of the comma after the last member.
  public mutating func endJSONObject() {
    if getInteger(at: writerIndex - 1, as: UInt8.self) == UInt8(ascii: ",") {
      moveWriterIndex(to: writerIndex - 1)
    }
    writeInteger(UInt8(ascii: "}"))
  }

  /// Appends a member whose value the closure writes. The name must need no escaping.
  public mutating func writeJSONMember(_ name: StaticString, writeValue: (inout ByteBuffer) -> Void) {
    writeJSONText(byteCount: name.utf8CodeUnitCount + 3) { $0.writeName(name) }
    writeValue(&self)
    writeInteger(UInt8(ascii: ","))
  }

  /// Appends a text member, or nothing for nil.
  public mutating func writeJSONMember(_ name: StaticString, _ text: String?) {
    guard let text else { return }
    writeJSONMember(name, byteCount: text.jsonByteCount) { $0.write(text) }
  }

  /// Appends a boolean member.
  public mutating func writeJSONMember(_ name: StaticString, _ value: Bool) {
    writeJSONMember(name, byteCount: value ? 4 : 5) { $0.write(literal: value ? "true" : "false") }
  }

  /// Appends an integer member.
  public mutating func writeJSONMember(_ name: StaticString, _ value: Int64) {
    let text = String(value)
    writeJSONMember(name, byteCount: text.utf8.count) { $0.write(plain: text) }
  }

  /// Appends a member of any JSON type.
  public mutating func writeJSONMember(_ name: StaticString, _ value: JSONValue) {
    writeJSONMember(name, byteCount: value.jsonByteCount) { $0.write(value) }
  }

  /// Appends a member whose value is stored as JSON text.
  public mutating func writeJSONMember(_ name: StaticString, _ object: JSONObjectText) {
    writeJSONMember(name, byteCount: object.byteCount) { writer in
      object.bytes.withUnsafeBytes { writer.write($0) }
    }
  }

  private mutating func writeJSONMember(
    _ name: StaticString, byteCount: Int, _ writeValue: (inout JSONTextWriter) -> Void
  ) {
    writeJSONText(byteCount: name.utf8CodeUnitCount + byteCount + 4) { writer in
      writer.writeName(name)
      writeValue(&writer)
      writer.write(UInt8(ascii: ","))
    }
  }

  /// Appends an array, each element written by the closure.
  public mutating func writeJSONArray<Element>(
    _ elements: some Collection<Element>, writeElement: (inout ByteBuffer, Element) -> Void
  ) {
    writeInteger(UInt8(ascii: "["))
    for element in elements {
      writeElement(&self, element)
      writeInteger(UInt8(ascii: ","))
    }
    if !elements.isEmpty { moveWriterIndex(to: writerIndex - 1) }
    writeInteger(UInt8(ascii: "]"))
  }
}

extension JSONTextWriter {
  fileprivate mutating func writeName(_ name: StaticString) {
    write(UInt8(ascii: "\""))
    write(literal: name)
    write(literal: "\":")
  }
}
