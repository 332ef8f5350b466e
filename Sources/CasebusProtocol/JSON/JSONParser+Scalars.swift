extension JSONParser {
  /// Parses a string; ``position`` is at its opening quote.
  mutating func parseString() throws(JSONError) -> String {
    position += 1
    let start = position
    let run = PlainRun.length(UnsafeRawBufferPointer(rebasing: bytes[start...]))
    let end = start + run.count
    position = end
    switch try peek() {
    case UInt8(ascii: "\""):
      position += 1
      let utf8 = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      // ASCII is always valid, and needs no validation, which costs ten times as much as creating the text.
      return run.isASCII ? String(decoding: utf8, as: UTF8.self) : try text(of: utf8, startingAt: start)
    case UInt8(ascii: "\\"): return try parseStringWithEscapes(from: start)
    case _: throw failure(.controlCharacter)
    }
  }

  /// The slow path: copies the text, because an escape and its result have different bytes.
  private mutating func parseStringWithEscapes(from start: Int) throws(JSONError) -> String {
    var decoded = [UInt8](bytes[start..<position])
    while true {
      switch try peek() {
      case UInt8(ascii: "\""):
        position += 1
        return try text(of: decoded[...], startingAt: start)
      case UInt8(ascii: "\\"):
        try parseEscape(into: &decoded)
      case 0x00...0x1F:
        throw failure(.controlCharacter)
      case let byte:
        decoded.append(byte)
        position += 1
      }
    }
  }

  private mutating func parseEscape(into decoded: inout [UInt8]) throws(JSONError) {
    let start = position
    position += 1
    let byte = try peek()
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(byte)
    case UInt8(ascii: "b"): decoded.append(0x08)
    case UInt8(ascii: "f"): decoded.append(0x0C)
    case UInt8(ascii: "n"): decoded.append(0x0A)
    case UInt8(ascii: "r"): decoded.append(0x0D)
    case UInt8(ascii: "t"): decoded.append(0x09)
    case UInt8(ascii: "u"): decoded.append(contentsOf: UTF8.encode(try parseUnicodeEscape(startingAt: start))!)
    case _: throw JSONError(reason: .invalidEscape, position: start)
    }
  }

  /// The scalar of `\uXXXX` or of a surrogate pair (RFC 8259 §7); ``position`` is after the first `u`.
  private mutating func parseUnicodeEscape(startingAt start: Int) throws(JSONError) -> Unicode.Scalar {
    let unit = try parseFourHexDigits(startingAt: start)
    if let scalar = Unicode.Scalar(unit) { return scalar }
    guard UTF16.isLeadSurrogate(unit), position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw JSONError(reason: .loneSurrogate, position: start) }
    position += 2
    let trail = try parseFourHexDigits(startingAt: start)
    guard UTF16.isTrailSurrogate(trail) else { throw JSONError(reason: .loneSurrogate, position: start) }
    return Unicode.Scalar(0x1_0000 + (UInt32(unit & 0x3FF) << 10 | UInt32(trail & 0x3FF)))!
  }

  private mutating func parseFourHexDigits(startingAt start: Int) throws(JSONError) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let digit = Character(UnicodeScalar(try peek())).hexDigitValue else {
        throw JSONError(reason: .invalidEscape, position: start)
      }
      unit = unit << 4 | UInt16(digit)
      position += 1
    }
    return unit
  }

  /// Parses a number (RFC 8259 §6) and keeps its text.
  mutating func parseNumber() throws(JSONError) -> JSONNumber {
    let start = position
    try skipNumber()
    return JSONNumber(validatedText: String(decoding: bytes[start..<position], as: UTF8.self))
  }

  mutating func skipNumber() throws(JSONError) {
    _ = skip(where: { $0 == UInt8(ascii: "-") })
    if !skip(where: { $0 == UInt8(ascii: "0") }) {
      // A leading zero is the whole integer part; a digit after it does not belong to the number.
      guard skipDigits() > 0 else { throw failure(.invalidNumber) }
    }
    if skip(where: { $0 == UInt8(ascii: ".") }) {
      guard skipDigits() > 0 else { throw failure(.invalidNumber) }
    }
    if skip(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
      _ = skip(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") })
      guard skipDigits() > 0 else { throw failure(.invalidNumber) }
    }
  }

  private mutating func skipDigits() -> Int {
    let start = position
    while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) { position += 1 }
    return position - start
  }

  private mutating func skip(where matches: (UInt8) -> Bool) -> Bool {
    guard position < bytes.count, matches(bytes[position]) else { return false }
    position += 1
    return true
  }

  private func text(of utf8: some Collection<UInt8>, startingAt start: Int) throws(JSONError) -> String {
    guard let text = String(validating: utf8, as: UTF8.self) else {
      throw JSONError(reason: .invalidUTF8, position: start)
    }
    return text
  }
}
