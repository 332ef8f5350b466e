import NIOCore
import NIOEmbedded

/// Event loops that run when they are told to.
final class TestLoops: EventLoopGroup {
  let all: [EmbeddedEventLoop]

  init(count: Int) {
    all = (0..<count).map { _ in EmbeddedEventLoop() }
  }

  /// Runs what is waiting on each loop, and what that leads to on the others.
  func run() {
    // A message hops from its session's loop to its workspace's and back, and may set off one that waited.
    for _ in 0..<(all.count == 1 ? 1 : 6) {
      for loop in all { loop.run() }
    }
  }

  func advance(milliseconds: Int64) {
    for loop in all { loop.advanceTime(by: .milliseconds(milliseconds)) }
    run()
  }

  func next() -> any EventLoop { all[0] }

  func any() -> any EventLoop { all[0] }

  func makeIterator() -> EventLoopIterator { EventLoopIterator(all) }

  func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
    callback(nil)
  }
}

import class Dispatch.DispatchQueue
