import CasebusTestSupport
import Testing

@testable import CasebusWorkspace

/// The collections against simple ones that do the same by searching.
@Suite struct CollectionTests {
  @Test(arguments: 0..<200)
  func orderIsThatOfArrival(_ seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    var order = ArrivalOrder<Int>()
    var expected: [Int] = []
    for _ in 0..<100 {
      let key = Int.random(in: 0..<12, using: &random)
      if Bool.random(using: &random) {
        order.append(key)
        if !expected.contains(key) { expected.append(key) }
      } else {
        order.remove(key)
        expected.removeAll { $0 == key }
      }
      #expect(Array(order) == expected)
      #expect(order.count == expected.count && order.first == expected.first && order.last == expected.last)
    }
  }

  @Test func keyThatIsSetAgainKeepsItsPlace() {
    var dictionary = ArrivalDictionary<String, Int>()
    for (index, key) in ["a", "b", "c"].enumerated() { dictionary[key] = index }
    dictionary["a"] = 9
    dictionary["b"] = nil
    dictionary["b"] = 1
    dictionary["x"] = nil
    #expect(Array(dictionary.values) == [9, 2, 1] && dictionary.count == 3)
  }

  @Test(arguments: 0..<200)
  func deadlinesComeInTheirOrder(_ seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    var queue = DeadlineQueue<Int>()
    var expected: [Int: Timestamp] = [:]
    for _ in 0..<150 {
      let key = Int.random(in: 0..<20, using: &random)
      let deadline = Timestamp(milliseconds: .random(in: 0..<30, using: &random))
      if Int.random(in: 0..<3, using: &random) > 0 {
        queue.set(deadline, for: key)
        expected[key] = deadline
      } else {
        queue.remove(key)
        expected[key] = nil
      }
      #expect(queue.first == expected.values.min())
      #expect(queue.keys(through: deadline).sorted() == expected.filter { $0.value <= deadline }.keys.sorted())
    }
  }
}
