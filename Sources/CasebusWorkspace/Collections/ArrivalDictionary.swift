/// A dictionary that lists its values in the order in which their keys were added.
struct ArrivalDictionary<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private var entries: [Key: Value] = [:]
  private var order = ArrivalOrder<Key>()

  var count: Int { entries.count }
  var isEmpty: Bool { entries.isEmpty }

  /// A key that is set again keeps its place; setting nil removes it.
  subscript(key: Key) -> Value? {
    get { entries[key] }
    set {
      let isKnown = entries.updateOrRemove(newValue, forKey: key)
      if newValue == nil { order.remove(key) } else if !isKnown { order.append(key) }
    }
  }

  /// In the order in which their keys were added.
  var values: some Sequence<Value> { order.lazy.map { entries[$0]! } }
}

extension Dictionary {
  /// - Returns: whether the key existed.
  fileprivate mutating func updateOrRemove(_ value: Value?, forKey key: Key) -> Bool {
    if let value { return updateValue(value, forKey: key) != nil }
    return removeValue(forKey: key) != nil
  }
}

extension ArrivalDictionary: Equatable where Value: Equatable {}
extension ArrivalDictionary: Hashable where Value: Hashable {}
