import OrderedCollections

/// A JSON object with its members in the order in which they were received (RFC 8259 §4).
public struct JSONObject: Hashable, Sendable {
  private var members: OrderedDictionary<Name, JSONValue> = [:]

  public init() {}

  /// - Parameter capacity: how many members memory is taken for.
  init(capacity: Int) {
    members.reserveCapacity(capacity)
  }

  /// The member with a name; setting nil removes it.
  public subscript(name: String) -> JSONValue? {
    get { members[Name(text: name)] }
    set { members[Name(text: name)] = newValue }
  }

  public var isEmpty: Bool { members.isEmpty }

  /// Takes over all members of another object; those with the same name replace these, in their place.
  public mutating func merge(_ other: JSONObject) {
    members.merge(other.members) { _, new in new }
  }
}

extension JSONObject: Sequence {
  public func makeIterator() -> some IteratorProtocol<(key: String, value: JSONValue)> {
    members.lazy.map { (key: $0.key.text, value: $0.value) }.makeIterator()
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    for (name, value) in elements { self[name] = value }
  }
}

/// A member's name, compared by its code points as RFC 8259 §8.3 has it, while Swift's texts are equal when they look
/// the same: composed and decomposed letters must stay two names.
private struct Name: Hashable, Sendable {
  let text: String

  static func == (left: Name, right: Name) -> Bool {
    // Texts that do not look the same have different bytes, and that is found out faster.
    left.text.utf8.count == right.text.utf8.count && left.text == right.text
      && left.text.utf8.elementsEqual(right.text.utf8)
  }

  func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
