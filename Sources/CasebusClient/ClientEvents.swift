extension CasebusClient {
  /// The events of a connection, in the order in which the broker sent them; ends with the connection.
  ///
  /// Those that nobody has taken yet wait in the memory of this process, at most `clientEventsBytesMax` of them and what
  /// comes with an answer; beyond it nothing more is read from the broker. All iterators take from the same events.
  public struct Events: AsyncSequence, Sendable {
    public typealias Element = Event
    public typealias Failure = Never

    let queue: EventQueue

    public func makeAsyncIterator() -> Iterator { Iterator(queue: queue) }

    public struct Iterator: AsyncIteratorProtocol {
      let queue: EventQueue

      /// - Returns: nil at the end of the connection, or if the task is cancelled.
      public func next() async -> Event? { await queue.next() }

      public func next(isolation actor: isolated (any Actor)?) async -> Event? { await queue.next() }
    }
  }
}
