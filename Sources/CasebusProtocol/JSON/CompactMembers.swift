/// Where the members of a compact JSON object stand in its text. The text must be one that the broker wrote: nothing is
/// checked, and two names are equal exactly if their texts are.
struct CompactMembers: Sequence, IteratorProtocol {
  private let bytes: [UInt8]
  /// At the name of the next member, or at the brace that ends the object.
  private var position = 1

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// One member.
  struct Member {
    /// With its quotes.
    var name: Range<Int>
    /// From the name to the end of the value.
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

  /// From an opening quote to behind the closing one.
  private mutating func skipString() {
    position += 1
    while bytes[position] != UInt8(ascii: "\"") { position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1 }
    position += 1
  }

  /// To the comma behind the value, or to the brace that ends the object.
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
