import struct NIOCore.ByteBuffer

extension ByteBuffer {
  /// Appends the bytes that the closure writes: exactly `byteCount`. Each write of a buffer checks whether its memory is
  /// shared, large enough and not in use elsewhere, which costs more than most pieces of a JSON text
  /// (Docs/internals/fan-out.md); here that is done once for many pieces.
  mutating func writeJSONText(byteCount: Int, _ write: (inout JSONTextWriter) -> Void) {
    writeWithUnsafeMutableBytes(minimumWritableBytes: byteCount) { memory in
      var writer = JSONTextWriter(UnsafeMutableRawBufferPointer(rebasing: memory[..<byteCount]))
      write(&writer)
      precondition(writer.isFull, "a JSON text has another length than was counted")
      return byteCount
    }
  }
}

/// Writes the pieces of a JSON text one after the other into memory of exactly their total length.
struct JSONTextWriter {
  private let memory: UnsafeMutableRawBufferPointer
  private var count = 0

  init(_ memory: UnsafeMutableRawBufferPointer) {
    self.memory = memory
  }

  var isFull: Bool { count == memory.count }

  mutating func write(_ byte: UInt8) {
    precondition(count < memory.count)
    memory[count] = byte
    count += 1
  }

  mutating func write(_ bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count <= memory.count - count)
    UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: bytes)
    count += bytes.count
  }

  mutating func write(literal text: StaticString) {
    write(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Writes a text unchanged and without quotes.
  mutating func write(plain text: String) {
    var text = text
    text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
  }

  /// Writes a text as a JSON string. Only quotes, backslashes and control characters are escaped.
  mutating func write(_ text: String) {
    var text = text
    write(UInt8(ascii: "\""))
    text.withUTF8 { utf8 in
      if JSONEscape.extraBytes(utf8) == 0 {
        write(UnsafeRawBufferPointer(utf8))
      } else {
        for byte in utf8 { writeEscaped(byte) }
      }
    }
    write(UInt8(ascii: "\""))
  }

  private mutating func writeEscaped(_ byte: UInt8) {
    switch byte {
    case 0x22: write(literal: "\\\"")
    case 0x5C: write(literal: "\\\\")
    case 0x08: write(literal: "\\b")
    case 0x0C: write(literal: "\\f")
    case 0x0A: write(literal: "\\n")
    case 0x0D: write(literal: "\\r")
    case 0x09: write(literal: "\\t")
    case 0x00..<0x20:
      write(literal: "\\u00")
      for digit in [byte >> 4, byte & 0xF] {
        write(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
      }
    case _: write(byte)
    }
  }

  /// Writes a value as compact JSON.
  mutating func write(_ value: JSONValue) {
    switch value {
    case .null: write(literal: "null")
    case .boolean(let value): write(literal: value ? "true" : "false")
    case .number(let number): write(plain: number.text)
    case .string(let text): write(text)
    case .array(let elements): write(elements)
    case .object(let members): write(members)
    }
  }

  mutating func write(_ members: JSONObject) {
    write(UInt8(ascii: "{"))
    var isFirst = true
    for (name, value) in members {
      if !isFirst { write(UInt8(ascii: ",")) }
      isFirst = false
      write(name)
      write(UInt8(ascii: ":"))
      write(value)
    }
    write(UInt8(ascii: "}"))
  }

  private mutating func write(_ elements: [JSONValue]) {
    write(UInt8(ascii: "["))
    var isFirst = true
    for element in elements {
      if !isFirst { write(UInt8(ascii: ",")) }
      isFirst = false
      write(element)
    }
    write(UInt8(ascii: "]"))
  }
}

extension [UInt8] {
  /// The bytes that the closure writes: exactly `byteCount`.
  init(json byteCount: Int, _ write: (inout JSONTextWriter) -> Void) {
    self.init(unsafeUninitializedCapacity: byteCount) { memory, count in
      var writer = JSONTextWriter(
        UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(memory)[..<byteCount]))
      write(&writer)
      precondition(writer.isFull, "a JSON text has another length than was counted")
      count = byteCount
    }
  }
}

/// Lengths of compact JSON, in bytes.
enum JSONEscape {
  /// The bytes that escaping adds to a text.
  static func extraBytes(_ utf8: UnsafeBufferPointer<UInt8>) -> Int {
    // Most texts have nothing to escape.
    let plain = PlainRun.length(UnsafeRawBufferPointer(utf8)).count
    return plain == utf8.count ? 0 : utf8[plain...].reduce(0) { $0 + extraBytes($1) }
  }

  private static func extraBytes(_ byte: UInt8) -> Int {
    switch byte {
    case 0x22, 0x5C, 0x08, 0x0C, 0x0A, 0x0D, 0x09: 1
    case 0x00..<0x20: 5
    case _: 0
    }
  }
}

extension String {
  /// The length as a JSON string, in bytes.
  package var jsonByteCount: Int {
    var text = self
    return text.withUTF8 { $0.count + JSONEscape.extraBytes($0) + 2 }
  }
}

extension JSONValue {
  var jsonByteCount: Int {
    switch self {
    case .null: 4
    case .boolean(let value): value ? 4 : 5
    case .number(let number): number.text.utf8.count
    case .string(let text): text.jsonByteCount
    case .array(let elements): elements.reduce(2 + Swift.max(0, elements.count - 1)) { $0 + $1.jsonByteCount }
    case .object(let members): members.jsonByteCount
    }
  }
}

extension JSONObject {
  var jsonByteCount: Int {
    var count = 2
    var isFirst = true
    for (name, value) in self {
      count += name.jsonByteCount + value.jsonByteCount + (isFirst ? 1 : 2)
      isFirst = false
    }
    return count
  }
}
