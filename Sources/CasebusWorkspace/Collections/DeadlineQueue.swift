/// Keys with deadlines: a binary heap that knows the place of each key. The first deadline is O(1); setting and
/// removing one is O(log n).
struct DeadlineQueue<Key: Hashable & Sendable>: Sendable {
  private var heap: [Entry] = []
  private var places: [Key: Int] = [:]

  private struct Entry {
    var deadline: Timestamp
    var key: Key
  }

  var first: Timestamp? { heap.first?.deadline }

  mutating func set(_ deadline: Timestamp, for key: Key) {
    remove(key)
    heap.append(Entry(deadline: deadline, key: key))
    places[key] = heap.count - 1
    moveUp(from: heap.count - 1)
  }

  /// No effect if the key does not exist.
  mutating func remove(_ key: Key) {
    guard let place = places[key] else { return }
    swap(place, heap.count - 1)
    heap.removeLast()
    places[key] = nil
    guard place < heap.count else { return }
    moveUp(from: place)
    moveDown(from: place)
  }

  /// The keys whose deadline is not after a moment, in no order. Does not visit anything below a later one.
  func keys(through moment: Timestamp) -> [Key] {
    var keys: [Key] = []
    var open = [0]
    while let place = open.popLast() {
      guard place < heap.count, heap[place].deadline <= moment else { continue }
      keys.append(heap[place].key)
      open += [2 * place + 1, 2 * place + 2]
    }
    return keys
  }

  private mutating func moveUp(from start: Int) {
    var place = start
    while place > 0, heap[place].deadline < heap[(place - 1) / 2].deadline {
      swap(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  private mutating func moveDown(from start: Int) {
    var place = start
    while let child = earliestChild(of: place), heap[child].deadline < heap[place].deadline {
      swap(place, child)
      place = child
    }
  }

  private func earliestChild(of place: Int) -> Int? {
    let (left, right) = (2 * place + 1, 2 * place + 2)
    guard left < heap.count else { return nil }
    return right < heap.count && heap[right].deadline < heap[left].deadline ? right : left
  }

  private mutating func swap(_ left: Int, _ right: Int) {
    guard left != right else { return }
    heap.swapAt(left, right)
    places[heap[left].key] = left
    places[heap[right].key] = right
  }
}
