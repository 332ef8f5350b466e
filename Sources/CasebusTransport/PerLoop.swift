import NIOCore
import Synchronization

/// A value for each event loop, made on first use, and used on that loop only.
final class PerLoop<Value>: Sendable {
  private let values = Mutex<[ObjectIdentifier: NIOLoopBound<Value>]>([:])
  private let make: @Sendable (any EventLoop) -> Value

  init(_ make: @escaping @Sendable (any EventLoop) -> Value) {
    self.make = make
  }

  /// The value of the current loop.
  func value(on eventLoop: any EventLoop) -> Value {
    let bound = values.withLock { values in
      if let bound = values[ObjectIdentifier(eventLoop)] { return bound }
      let new = NIOLoopBound(make(eventLoop), eventLoop: eventLoop)
      values[ObjectIdentifier(eventLoop)] = new
      return new
    }
    return bound.value
  }

  /// Calls `read` with each value on its event loop, and gathers the results. From any thread.
  func gather<Part: Sendable>(_ read: @escaping @Sendable (Value) -> Part) async -> [Part] {
    let all = values.withLock { Array($0.values) }
    var parts: [Part] = []
    for bound in all {
      // An event loop that was shut down gives no value.
      if let part = try? await bound.eventLoop.submit({ read(bound.value) }).get() { parts.append(part) }
    }
    return parts
  }
}
