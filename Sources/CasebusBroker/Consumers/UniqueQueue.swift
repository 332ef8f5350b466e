/// Elements in the order in which they were added, each once. Everything but ``elements`` takes constant time, also the
/// removal of one from the middle.
struct UniqueQueue<Element: Hashable> {
  private var links: [Element: Link] = [:]
  private(set) var first: Element?
  private var last: Element?

  fileprivate struct Link {
    var previous: Element?
    var next: Element?
  }

  var isEmpty: Bool { links.isEmpty }
  var count: Int { links.count }

  func contains(_ element: Element) -> Bool { links[element] != nil }

  /// From the first to the last.
  var elements: [Element] {
    Array(
      sequence(state: first) { next -> Element? in
        defer { next = next.flatMap { links[$0]?.next } }
        return next
      })
  }

  /// Puts an element at the end; one that is there already moves there.
  mutating func append(_ element: Element) {
    remove(element)
    links[element] = Link(previous: last, next: nil)
    if let last { links[last]!.next = element } else { first = element }
    last = element
  }

  /// Puts an element at the start; one that is there already moves there.
  mutating func prepend(_ element: Element) {
    remove(element)
    links[element] = Link(previous: nil, next: first)
    if let first { links[first]!.previous = element } else { last = element }
    first = element
  }

  /// One that is not there is no matter.
  mutating func remove(_ element: Element) {
    guard let link = links.removeValue(forKey: element) else { return }
    if let previous = link.previous { links[previous]!.next = link.next } else { first = link.next }
    if let next = link.next { links[next]!.previous = link.previous } else { last = link.previous }
  }

  mutating func popFirst() -> Element? {
    guard let first else { return nil }
    remove(first)
    return first
  }
}

extension UniqueQueue: Sendable where Element: Sendable {}
extension UniqueQueue.Link: Sendable where Element: Sendable {}
