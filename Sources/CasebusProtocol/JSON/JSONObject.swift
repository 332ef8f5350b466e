import OrderedCollections

/// A JSON object whose members keep the order in which they were received (RFC 8259 §4). Two names are equal if they
/// have the same code points (RFC 8259 §8.3).
public struct JSONObject: Hashable, Sendable {
  private var members: OrderedDictionary<Identifier, JSONValue> = [:]

  /// An object without members.
  public init() {}

  /// - Parameter capacity: the number of members to allocate memory for.
  init(capacity: Int) {
    members.reserveCapacity(capacity)
  }

  /// The member with a name; setting nil removes it.
  public subscript(name: String) -> JSONValue? {
    get { members[Identifier(name)] }
    set { members[Identifier(name)] = newValue }
  }

  /// Whether the object has no members.
  public var isEmpty: Bool { members.isEmpty }

  /// Adds all members of another object. A member with a known name replaces the old one and keeps its place.
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
