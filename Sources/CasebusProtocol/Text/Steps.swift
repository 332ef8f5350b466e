/// Counts comparisons and hashes of texts, for tests that the cost of an operation grows with its own input only: a linear
/// search would compare with every element. Release builds count nothing.
package enum Steps {
  #if DEBUG
    // Unchecked, because only ``counted(_:)`` makes one, and its body is synchronous.
    private final class Counter: @unchecked Sendable {
      var count = 0
    }

    @TaskLocal private static var counter: Counter?

    /// The number of steps that the body takes.
    package static func counted<Value>(_ body: () throws -> Value) rethrows -> (value: Value, steps: Int) {
      let counter = Counter()
      let value = try $counter.withValue(counter) { try body() }
      return (value, counter.count)
    }

    package static func count() { counter?.count += 1 }
  #else
    @inline(__always) package static func count() {}
  #endif
}
