import OrderedCollections

/// A JSON object with its members in the order in which they were received (RFC 8259 §4).
public struct JSONObject: Hashable, Sendable {
  private var members: OrderedDictionary<String, JSONValue> = [:]

  public init() {}

  /// The member with a name; setting nil removes it.
  public subscript(name: String) -> JSONValue? {
    get { members[name] }
    set { members[name] = newValue }
  }

  public var isEmpty: Bool { members.isEmpty }

  public var count: Int { members.count }

  /// Takes over all members of another object; those with the same name replace these, in their place.
  public mutating func merge(_ other: JSONObject) {
    members.merge(other.members) { _, new in new }
  }
}

extension JSONObject: Sequence {
  public func makeIterator() -> some IteratorProtocol<(key: String, value: JSONValue)> {
    members.makeIterator()
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    members = OrderedDictionary(elements, uniquingKeysWith: { _, last in last })
  }
}
