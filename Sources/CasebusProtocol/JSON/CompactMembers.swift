/// The ranges of the members of a compact JSON object in its text. The broker must have written the text: nothing is
/// validated, and two names are equal if and only if their texts are.
struct CompactMembers: Sequence, IteratorProtocol {
  private let bytes: [UInt8]
  /// The index of the next member's name, or of the closing brace.
  private var position = 1

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// One member.
  struct Member {
    /// The name with its quotes.
    var name: Range<Int>
    /// Name, colon and value.
    var whole: Range<Int>
  }

  mutating func next() -> Member? {
    guard position < bytes.count - 1 else { return nil }
    let start = position
    skipString()
    let name = start..<position
    skipValue()
    defer { position += 1 }
    return Member(name: name, whole: start..<position)
  }

  /// Moves from an opening quote to the byte after the closing one.
  private mutating func skipString() {
    position += 1
    while bytes[position] != UInt8(ascii: "\"") { position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1 }
    position += 1
  }

  /// Moves to the comma after the value, or to the closing brace of the object.
  private mutating func skipValue() {
    var depth = 0
    while true {
      switch bytes[position] {
      case UInt8(ascii: "\""): skipString()
      case UInt8(ascii: ",") where depth == 0: return
      case UInt8(ascii: "}") where depth == 0: return
      case let byte:
        depth += Self.step(byte)
        position += 1
      }
    }
  }

  private static func step(_ byte: UInt8) -> Int {
    switch byte {
    case UInt8(ascii: "{"), UInt8(ascii: "["): 1
    case UInt8(ascii: "}"), UInt8(ascii: "]"): -1
    case _: 0
    }
  }
}
