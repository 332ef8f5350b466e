/// Comparing texts by the bytes of their UTF-8 (Protocol §1).
///
/// Swift's own `==`, `<`, `hash`, `switch` and `hasPrefix` compare normal forms. For texts from outside that has two faults:
/// the time can grow with the square of the length (one letter with thousands of combining marks), and identifiers that
/// JavaScript and SQLite distinguish would be equal (Docs/decisions/0012).
extension String {
  /// Whether both texts have the same bytes.
  package func hasSameBytes(as other: String) -> Bool {
    Steps.count()
    guard utf8.count == other.utf8.count else { return false }
    let areEqual = utf8.withContiguousStorageIfAvailable { left in
      other.utf8.withContiguousStorageIfAvailable { right in left.hasSameBytes(as: right) }
    }
    return (areEqual ?? nil) ?? utf8.elementsEqual(other.utf8)
  }

  /// Feeds the bytes to the hasher; texts with the same bytes have the same hash.
  package func hashBytes(into hasher: inout Hasher) {
    Steps.count()
    var text = self
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    // A separator, so that two texts do not hash like their concatenation; no byte of UTF-8 has this value.
    hasher.combine(0xFF as UInt8)
  }

  /// Whether the text begins with the bytes of another one.
  package func hasBytePrefix(_ prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

  /// Whether this is short ASCII, as all words of the protocol are. Only for ASCII do `==` and `init(rawValue:)` of an
  /// enumeration compare bytes: U+212A, for instance, is equal to "K".
  fileprivate var isWord: Bool { utf8.count <= 64 && utf8.allSatisfy { $0 < 0x80 } }
}

extension UnsafeBufferPointer<UInt8> {
  /// Compares eight bytes at a time; both must have the same length.
  fileprivate func hasSameBytes(as other: UnsafeBufferPointer<UInt8>) -> Bool {
    let left = UnsafeRawBufferPointer(self)
    let right = UnsafeRawBufferPointer(other)
    var index = 0
    while index + 8 <= left.count {
      guard
        left.loadUnaligned(fromByteOffset: index, as: UInt64.self)
          == right.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      else { return false }
      index += 8
    }
    while index < left.count {
      guard left[index] == right[index] else { return false }
      index += 1
    }
    return true
  }
}

extension RawRepresentable<String> {
  /// The case with exactly these bytes as its name; nil if there is none. `init(rawValue:)` would compare normal forms.
  package init?(name text: String) {
    guard text.isWord else { return nil }
    self.init(rawValue: text)
  }
}
