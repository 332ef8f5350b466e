/// Keys in the order in which they were added. Adding, removing and finding are O(1); an ordered dictionary would move
/// everything behind a removed key.
struct ArrivalOrder<Key: Hashable & Sendable>: Sendable {
  private var links: [Key: Link] = [:]
  private(set) var first: Key?
  private(set) var last: Key?

  private struct Link: Sendable {
    var previous: Key?
    var next: Key?
  }

  var count: Int { links.count }

  func contains(_ key: Key) -> Bool { links[key] != nil }

  /// Adds a key at the end, unless it exists.
  mutating func append(_ key: Key) {
    guard links[key] == nil else { return }
    links[key] = Link(previous: last)
    if let last { links[last]!.next = key } else { first = key }
    last = key
  }

  /// No effect if the key does not exist.
  mutating func remove(_ key: Key) {
    guard let link = links.removeValue(forKey: key) else { return }
    if let previous = link.previous { links[previous]!.next = link.next } else { first = link.next }
    if let next = link.next { links[next]!.previous = link.previous } else { last = link.previous }
  }
}

extension ArrivalOrder: Sequence {
  func makeIterator() -> some IteratorProtocol<Key> {
    sequence(state: first) { key in
      defer { key = key.flatMap { links[$0]?.next } }
      return key
    }
  }
}

extension ArrivalOrder: Equatable {
  static func == (left: ArrivalOrder, right: ArrivalOrder) -> Bool { left.elementsEqual(right) }
}

extension ArrivalOrder: Hashable {
  func hash(into hasher: inout Hasher) {
    for key in self { hasher.combine(key) }
  }
}
