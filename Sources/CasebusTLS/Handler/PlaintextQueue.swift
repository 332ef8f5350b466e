internal import NIOCore

/// What was written and is not encrypted yet: until the next flush, or until the end of the handshake. The pieces are
/// joined, so that they share records.
struct PlaintextQueue {
  private(set) var bytes = ByteBuffer()
  private var promise: EventLoopPromise<Void>?

  mutating func append(_ more: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
    if bytes.readableBytes == 0 {
      bytes = more
    } else {
      bytes.writeImmutableBuffer(more)
    }
    guard let promise else { return }
    if let first = self.promise {
      first.futureResult.cascade(to: promise)
    } else {
      self.promise = promise
    }
  }

  /// What is in it, and whom to tell when the socket has it; it is empty then.
  mutating func take() -> (ByteBuffer, EventLoopPromise<Void>?) {
    defer { self = PlaintextQueue() }
    return (bytes, promise)
  }

  mutating func fail(_ error: any Error) {
    let (_, promise) = take()
    promise?.fail(error)
  }
}
