import NIOCore

/// The way into a ``BrokerLoop`` from anywhere: what is executed runs on its event loop, in order.
struct LoopPort: Sendable {
  let index: Int
  let eventLoop: any EventLoop
  /// How many bytes wait in the loop's inbox, those on their way to it included.
  let inboxBytes = Tally()
  private let content: NIOLoopBoundBox<BrokerLoop?>

  init(index: Int, eventLoop: any EventLoop) {
    self.index = index
    self.eventLoop = eventLoop
    content = .makeEmptyBox(valueType: BrokerLoop.self, eventLoop: eventLoop)
  }

  /// The broker's part on this loop; only to be touched on it.
  var loop: BrokerLoop {
    guard let loop = content.value else { preconditionFailure("the broker's loop \(index) was used before its start") }
    return loop
  }

  /// Puts the broker's part in its place; on the loop.
  func start(_ loop: BrokerLoop) {
    content.value = loop
  }

  func execute(_ body: @escaping @Sendable (BrokerLoop) -> Void) {
    eventLoop.execute { body(loop) }
  }
}
