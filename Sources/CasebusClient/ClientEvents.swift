extension CasebusClient {
  /// The events of a connection, in the order in which the broker sent them; ends with the connection.
  ///
  /// Events that are not taken yet are queued, at most `clientEventsBytesMax` of them; above it the client stops reading,
  /// unless it waits for an answer. All iterators share one queue: each event goes to one of them.
  public struct Events: AsyncSequence, Sendable {
    public typealias Element = Event
    public typealias Failure = Never

    let queue: EventQueue

    public func makeAsyncIterator() -> Iterator { Iterator(queue: queue) }

    /// Takes events from the queue.
    public struct Iterator: AsyncIteratorProtocol {
      let queue: EventQueue

      /// - Returns: nil at the end of the connection, or if the task is cancelled.
      public func next() async -> Event? { await queue.next() }

      /// - Returns: nil at the end of the connection, or if the task is cancelled.
      public func next(isolation actor: isolated (any Actor)?) async -> Event? { await queue.next() }
    }
  }
}
