/// Counts how often texts are compared and hashed, for tests that hold the work of an operation to the size of its own
/// input: a search in everything there is compares something with everything there is. Release builds count nothing.
package enum Steps {
  #if DEBUG
    // Unchecked, because only ``counted(_:)`` makes one, and its body is synchronous.
    private final class Counter: @unchecked Sendable {
      var count = 0
    }

    @TaskLocal private static var counter: Counter?

    /// How many steps the body takes.
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
