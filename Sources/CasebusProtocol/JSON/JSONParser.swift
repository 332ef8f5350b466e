public import struct NIOCore.ByteBuffer

extension JSONValue {
  /// Parses one JSON document (RFC 8259), which must fill the whole buffer.
  ///
  /// Of members with the same name the last one counts, as in JavaScript. Never traps, whatever the bytes are.
  /// - Throws: ``JSONError`` with the position of the first offending byte.
  public init(parsing buffer: ByteBuffer, limits: JSONLimits = JSONLimits()) throws(JSONError) {
    let result: Result<JSONValue, JSONError> = buffer.withUnsafeReadableBytes { bytes in
      var parser = JSONParser(bytes: bytes, limits: limits)
      return Result { () throws(JSONError) in try parser.parseDocument() }
    }
    self = try result.get()
  }

  /// Parses one JSON document from a text. See ``init(parsing:limits:)-(ByteBuffer,_)``.
  public init(parsing text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) {
    try self.init(parsing: ByteBuffer(string: text), limits: limits)
  }
}

/// A recursive-descent parser; the recursion is bounded by ``JSONLimits/depthMax``.
struct JSONParser {
  let bytes: UnsafeRawBufferPointer
  let limits: JSONLimits
  var position = 0
  private var depth = 0
  private var keyCount = 0

  init(bytes: UnsafeRawBufferPointer, limits: JSONLimits) {
    self.bytes = bytes
    self.limits = limits
  }

  mutating func parseDocument() throws(JSONError) -> JSONValue {
    let value = try parseValue()
    skipWhitespace()
    guard position == bytes.count else { throw failure(.trailingBytes) }
    return value
  }

  private mutating func parseValue() throws(JSONError) -> JSONValue {
    skipWhitespace()
    switch try peek() {
    case UInt8(ascii: "{"): return .object(try nested { parser throws(JSONError) in try parser.parseObject() })
    case UInt8(ascii: "["): return .array(try nested { parser throws(JSONError) in try parser.parseArray() })
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): return try parseLiteral("true", .boolean(true))
    case UInt8(ascii: "f"): return try parseLiteral("false", .boolean(false))
    case UInt8(ascii: "n"): return try parseLiteral("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try parseNumber())
    case let byte: throw failure(.unexpectedByte(byte, expected: "a JSON value"))
    }
  }

  private mutating func nested<Value>(
    _ parse: (inout JSONParser) throws(JSONError) -> Value
  ) throws(JSONError) -> Value {
    guard depth < limits.depthMax else { throw failure(.tooDeep(limit: limits.depthMax)) }
    depth += 1
    defer { depth -= 1 }
    return try parse(&self)
  }

  private mutating func parseArray() throws(JSONError) -> [JSONValue] {
    position += 1
    var elements: [JSONValue] = []
    guard !consumeIfNext("]") else { return elements }
    repeat {
      elements.append(try parseValue())
    } while try separator(closing: "]")
    return elements
  }

  private mutating func parseObject() throws(JSONError) -> JSONObject {
    position += 1
    guard !consumeIfNext("}") else { return JSONObject() }
    // A message and its data have several members each. Later objects can be thousands, and small.
    var members = keyCount < 16 ? JSONObject(capacity: 8) : JSONObject()
    repeat {
      let name = try parseMemberName()
      members[name] = try parseValue()
    } while try separator(closing: "}")
    return members
  }

  private mutating func parseMemberName() throws(JSONError) -> String {
    skipWhitespace()
    let byte = try peek()
    guard byte == UInt8(ascii: "\"") else { throw failure(.unexpectedByte(byte, expected: "a member name")) }
    keyCount += 1
    guard keyCount <= limits.keysMax else { throw failure(.tooManyKeys(limit: limits.keysMax)) }
    let name = try parseString()
    skipWhitespace()
    let colon = try peek()
    guard colon == UInt8(ascii: ":") else { throw failure(.unexpectedByte(colon, expected: "':'")) }
    position += 1
    return name
  }

  /// Reads what follows an element: true after a comma, false after the end of the container.
  private mutating func separator(closing: Unicode.Scalar) throws(JSONError) -> Bool {
    skipWhitespace()
    let byte = try peek()
    guard byte == UInt8(ascii: ",") || byte == UInt8(ascii: closing) else {
      throw failure(.unexpectedByte(byte, expected: "',' or '\(closing)'"))
    }
    position += 1
    return byte == UInt8(ascii: ",")
  }

  private mutating func consumeIfNext(_ closing: Unicode.Scalar) -> Bool {
    skipWhitespace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: closing) else { return false }
    position += 1
    return true
  }

  private mutating func parseLiteral(_ literal: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    for offset in 0..<literal.utf8CodeUnitCount {
      let byte = try peek()
      guard byte == literal.utf8Start[offset] else {
        throw failure(.unexpectedByte(byte, expected: "'\(literal)'"))
      }
      position += 1
    }
    return value
  }

  private mutating func skipWhitespace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      case _: return
      }
    }
  }

  @inline(__always) func peek() throws(JSONError) -> UInt8 {
    guard position < bytes.count else { throw failure(.unexpectedEnd) }
    return bytes[position]
  }

  func failure(_ reason: JSONError.Reason) -> JSONError {
    JSONError(reason: reason, position: position)
  }
}
