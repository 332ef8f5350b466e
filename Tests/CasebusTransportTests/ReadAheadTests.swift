import CasebusWebSocket
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import CasebusTransport
@testable import CasebusWebSocket

/// A paused connection with a real socket: the client's bytes wait in the kernels, not here.
@Suite struct ReadAheadTests {
  /// `readAheadBytesMax` of the registry: four reads of NIO, of 64 KiB each.
  private static let bytesMax = 262_144
  private static let messageCount = 300

  @Test func pausedConnectionKeepsNoMoreThanItReadInOneTurn() async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let served = group.next().makePromise(of: Paused.self)
    let listener = try await ServerBootstrap(group: group)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { served.succeed(try Paused(on: channel)) }
      }.bind(host: "127.0.0.1", port: 0).get()
    let client = try await ClientBootstrap(group: group).connect(to: listener.localAddress!).get()
    client.writeAndFlush(Self.messages, promise: nil)
    let paused = try await served.futureResult.get()
    try await paused.isPaused.futureResult.get()
    for _ in 0..<50 {
      let bytes = try await paused.eventLoop.submit { paused.handler.value.connection.input.readableBytes }.get()
      #expect(bytes <= Self.bytesMax)
    }
    try await paused.eventLoop.submit { paused.resume(expecting: Self.messageCount) }.get()
    try await paused.isDone.futureResult.get()
    try await client.close()
    try await listener.close()
  }

  /// 19 MB: more than the kernels between keep.
  private static var messages: ByteBuffer {
    let client = WebSocketConnection(role: .client { WebSocketMaskingKey(7) })
    let text = ByteBuffer(repeating: UInt8(ascii: "x"), count: 65_000)
    return (0..<messageCount).reduce(into: ByteBuffer()) { bytes, _ in
      bytes.writeImmutableBuffer(client.sendText(text)!)
    }
  }
}

/// A connection that pauses with its first message.
private final class Paused: Sendable {
  let handler: NIOLoopBound<WebSocketHandler>
  let eventLoop: any EventLoop
  let isPaused: EventLoopPromise<Void>
  let isDone: EventLoopPromise<Void>
  private let receiver: NIOLoopBound<RecordingReceiver>

  init(on channel: any Channel) throws {
    let configuration = ConnectionConfiguration()
    let handler = WebSocketHandler(
      connection: WebSocketConnection(role: .server, limits: configuration.limits), configuration: configuration,
      backlog: OutboundBacklog(bytesMax: .max), timers: TimerWheel(channel.eventLoop))
    let receiver = RecordingReceiver()
    try channel.pipeline.syncOperations.addHandler(handler)
    eventLoop = channel.eventLoop
    self.handler = NIOLoopBound(handler, eventLoop: eventLoop)
    self.receiver = NIOLoopBound(receiver, eventLoop: eventLoop)
    let isPaused = channel.eventLoop.makePromise(of: Void.self)
    self.isPaused = isPaused
    isDone = channel.eventLoop.makePromise()
    receiver.onText = {
      handler.pauseReading()
      isPaused.succeed()
    }
    handler.open(receiver)
  }

  func resume(expecting count: Int) {
    let (receiver, isDone) = (receiver.value, isDone)
    receiver.onText = { if receiver.messages.count == count { isDone.succeed() } }
    handler.value.resumeReading()
  }
}
