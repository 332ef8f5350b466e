/// Reads JSON text that is exactly what ``JSONTextWriter`` would write for its value: it has no whitespace, no escape with
/// a second spelling, and no object with the same name twice. The text of such a value can be passed on unchanged.
///
/// The scanner rejects every other text, even a valid one; the caller then parses it.
struct CompactScanner {
  /// The text is not compact, not valid, or has more names than the scanner compares.
  struct NotCompact: Error {}

  private let bytes: UnsafeRawBufferPointer
  private let limits: JSONLimits
  private(set) var position = 0
  private var keyCount = 0
  /// The member names of the open objects, those of the innermost object last. Their number is limited, and with it the
  /// work to find the same name twice.
  private let names: UnsafeMutableBufferPointer<Range<Int>>
  private var nameCount = 0
  private var isASCII = true

  private static var namesMax: Int { 32 }

  /// Scans a text with the body, which must not keep the scanner.
  static func scan<Value>(
    _ bytes: UnsafeRawBufferPointer, limits: JSONLimits,
    _ body: (inout CompactScanner) throws(NotCompact) -> Value
  ) -> Value? {
    withUnsafeTemporaryAllocation(of: Range<Int>.self, capacity: namesMax) { names in
      var scanner = CompactScanner(bytes: bytes, limits: limits, names: names)
      return try? body(&scanner)
    }
  }

  private init(bytes: UnsafeRawBufferPointer, limits: JSONLimits, names: UnsafeMutableBufferPointer<Range<Int>>) {
    self.bytes = bytes
    self.limits = limits
    self.names = names
  }
}

// MARK: - Pieces

extension CompactScanner {
  /// Whether everything was read.
  var isAtEnd: Bool { position == bytes.count }

  /// The next byte.
  func peek() throws(NotCompact) -> UInt8 {
    guard position < bytes.count else { throw NotCompact() }
    return bytes[position]
  }

  mutating func expect(_ byte: UInt8) throws(NotCompact) {
    guard position < bytes.count, bytes[position] == byte else { throw NotCompact() }
    position += 1
  }

  /// Reads what follows a member or an element: true after a comma, false after the end of the container.
  mutating func separator(closing: UInt8) throws(NotCompact) -> Bool {
    let byte = try peek()
    guard byte == UInt8(ascii: ",") || byte == closing else { throw NotCompact() }
    position += 1
    return byte == UInt8(ascii: ",")
  }

  /// Begins an object.
  /// - Parameter depth: how many objects and arrays it is in.
  mutating func enter(depth: Int) throws(NotCompact) {
    guard depth < limits.depthMax else { throw NotCompact() }
    try expect(UInt8(ascii: "{"))
  }

  /// Reads the name of a member of a message, and the colon behind it.
  mutating func memberName() throws(NotCompact) -> UnsafeRawBufferPointer {
    try countKey()
    let name = try plainString()
    try expect(UInt8(ascii: ":"))
    return name
  }

  private mutating func countKey() throws(NotCompact) {
    keyCount += 1
    guard keyCount <= limits.keysMax else { throw NotCompact() }
  }

  /// Reads a string of ASCII without escapes.
  /// - Returns: what stands between the quotes.
  mutating func plainString() throws(NotCompact) -> UnsafeRawBufferPointer {
    try expect(UInt8(ascii: "\""))
    let start = position
    let run = PlainRun.length(UnsafeRawBufferPointer(rebasing: bytes[start...]))
    position += run.count
    try expect(UInt8(ascii: "\""))
    guard run.isASCII else { throw NotCompact() }
    return UnsafeRawBufferPointer(rebasing: bytes[start..<start + run.count])
  }

  /// Reads a number (RFC 8259 §6).
  mutating func number() throws(NotCompact) -> JSONNumber {
    let start = position
    try skipNumber()
    return JSONNumber(validatedText: String(decoding: bytes[start..<position], as: UTF8.self))
  }

  private mutating func skipNumber() throws(NotCompact) {
    var parser = JSONParser(bytes: bytes, limits: limits)
    parser.position = position
    do throws(JSONError) { try parser.skipNumber() } catch { throw NotCompact() }
    position = parser.position
  }

  mutating func literal(_ text: StaticString) throws(NotCompact) {
    let end = position + text.utf8CodeUnitCount
    guard end <= bytes.count, UnsafeRawBufferPointer(rebasing: bytes[position..<end]).isText(text) else {
      throw NotCompact()
    }
    position = end
  }
}

// MARK: - Values

extension CompactScanner {
  /// Passes over an object.
  /// - Parameter depth: how many objects and arrays it is in.
  /// - Returns: where it stands in the text.
  mutating func object(depth: Int) throws(NotCompact) -> Range<Int> {
    let start = position
    isASCII = true
    try skipObject(depth: depth)
    let text = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
    guard isASCII || String(validating: text, as: UTF8.self) != nil else { throw NotCompact() }
    return start..<position
  }

  private mutating func skipValue(depth: Int) throws(NotCompact) {
    switch try peek() {
    case UInt8(ascii: "\""): _ = try skipString()
    case UInt8(ascii: "{"): try skipObject(depth: depth)
    case UInt8(ascii: "["): try skipArray(depth: depth)
    case UInt8(ascii: "t"): try literal("true")
    case UInt8(ascii: "f"): try literal("false")
    case UInt8(ascii: "n"): try literal("null")
    case _: try skipNumber()
    }
  }

  private mutating func skipObject(depth: Int) throws(NotCompact) {
    try enter(depth: depth)
    if try peek() == UInt8(ascii: "}") { return position += 1 }
    let outer = nameCount
    repeat {
      try countKey()
      try add(try skipString(), after: outer)
      try expect(UInt8(ascii: ":"))
      try skipValue(depth: depth + 1)
    } while try separator(closing: UInt8(ascii: "}"))
    nameCount = outer
  }

  private mutating func skipArray(depth: Int) throws(NotCompact) {
    guard depth < limits.depthMax else { throw NotCompact() }
    try expect(UInt8(ascii: "["))
    if try peek() == UInt8(ascii: "]") { return position += 1 }
    repeat {
      try skipValue(depth: depth + 1)
    } while try separator(closing: UInt8(ascii: "]"))
  }

  /// Remembers the name of a member.
  /// - Parameter outer: how many names are those of the objects around it.
  private mutating func add(_ name: Range<Int>, after outer: Int) throws(NotCompact) {
    guard nameCount < names.count else { throw NotCompact() }
    for index in outer..<nameCount where names[index].count == name.count {
      // Two texts without other spellings are the same string exactly if they have the same bytes.
      let isSame = bytes[names[index]].elementsEqual(bytes[name])
      guard !isSame else { throw NotCompact() }
    }
    names[nameCount] = name
    nameCount += 1
  }

  /// Passes over a string in which every escape is one that the writer makes.
  private mutating func skipString() throws(NotCompact) -> Range<Int> {
    try expect(UInt8(ascii: "\""))
    let start = position
    while true {
      let run = PlainRun.length(UnsafeRawBufferPointer(rebasing: bytes[position...]))
      position += run.count
      if !run.isASCII { isASCII = false }
      if try peek() == UInt8(ascii: "\"") { break }
      try expect(UInt8(ascii: "\\"))
      switch try peek() {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
        UInt8(ascii: "r"), UInt8(ascii: "t"):
        position += 1
      case _: throw NotCompact()
      }
    }
    position += 1
    return start..<position - 1
  }
}

extension UnsafeRawBufferPointer {
  /// Whether these are the bytes of a text.
  func isText(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    return elementsEqual(UnsafeRawBufferPointer(start: text.utf8Start, count: count))
  }
}
