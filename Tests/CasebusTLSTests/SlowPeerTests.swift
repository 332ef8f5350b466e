import NIOCore
import NIOEmbedded
import Testing

@testable import CasebusTLS

/// What becomes of data for a peer that takes none.
@Suite struct SlowPeerTests {
  private static let chunk = 65_536
  /// Four records of 16 KiB in TLS 1.3.
  private static let encryptedChunk = chunk + 4 * 22

  @Test func onlyOneChunkIsEncryptedAhead() throws {
    let slow = try SlowPair()
    defer { slow.end() }
    for number in 0..<20 { slow.send(ByteBuffer(repeating: UInt8(number), count: 30_000)) }
    #expect(slow.socket.waiting.map(\.bytes.readableBytes) == [30_000 + 2 * 22])
    #expect(slow.sent == 0)
    slow.socket.take(1)
    // Two whole pieces; the third would make it longer than a chunk.
    #expect(slow.socket.waiting.map(\.bytes.readableBytes) == [60_000 + 4 * 22])
    #expect(slow.sent == 1)
    try slow.takeAll()
    #expect(slow.sent == 20)
    #expect(slow.received == (0..<20).flatMap { [UInt8](repeating: $0, count: 30_000) })
  }

  @Test func aLongPieceIsCutIntoChunks() throws {
    let slow = try SlowPair()
    defer { slow.end() }
    let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    slow.send(ByteBuffer(bytes: bytes))
    #expect(slow.socket.waiting.map(\.bytes.readableBytes) == [Self.encryptedChunk])
    slow.socket.take(2)
    #expect(slow.sent == 0)
    try slow.takeAll()
    #expect(slow.sent == 1)
    #expect(slow.received == bytes)
  }

  @Test func waitingBytesAreCountedUntilTheSocketHasThem() throws {
    let slow = try SlowPair()
    defer { slow.end() }
    var writable = [slow.tls.isWritable]
    slow.socket.onWritabilityChange = { writable.append(slow.tls.isWritable) }
    slow.send(ByteBuffer(repeating: 1, count: 40_000))
    #expect(slow.tls.waitingBytes == 40_000 + 3 * 22)
    slow.send(ByteBuffer(repeating: 2, count: 40_000))
    #expect(slow.tls.waitingBytes == 80_000 + 3 * 22)
    #expect(writable == [true, false])
    slow.socket.take(1)
    #expect(slow.tls.waitingBytes == 40_000 + 3 * 22)
    #expect(writable == [true, false])
    slow.socket.take(1)
    #expect(slow.tls.waitingBytes == 0)
    #expect(writable == [true, false, true])
  }

  @Test func theCloseNotifyComesLast() throws {
    let slow = try SlowPair()
    defer { slow.end() }
    for _ in 0..<5 { slow.send(ByteBuffer(repeating: 3, count: 50_000)) }
    let closed = (0..<2).map { _ in slow.pair.server.eventLoop.makePromise(of: Void.self) }
    for promise in closed { slow.pair.server.close(mode: .output, promise: promise) }
    slow.send(ByteBuffer(string: "too late"))
    #expect(slow.sent == 1)
    try slow.takeAll()
    #expect(slow.sent == 6)
    #expect(slow.received == [UInt8](repeating: 3, count: 250_000))
    #expect(slow.pair.clientLog.isInputClosed)
    #expect(slow.pair.clientLog.errors.isEmpty)
    for promise in closed { try promise.futureResult.wait() }
  }

  @Test func aPeerThatEndsWithoutCloseNotifyWhileDataWaitsIsAnError() throws {
    let slow = try SlowPair()
    defer { slow.end() }
    for _ in 0..<5 { slow.send(ByteBuffer(repeating: 3, count: 50_000)) }
    slow.pair.server.close(mode: .output, promise: nil)
    slow.pair.server.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    #expect(slow.pair.serverLog.errors == [.truncated])
  }

  @Test func aFailedWriteIsTheEnd() throws {
    let slow = try SlowPair()
    defer { slow.end() }
    for _ in 0..<5 {
      slow.send(ByteBuffer(repeating: 4, count: 50_000)) {
        // The writers may ask, and may try again.
        #expect(slow.tls.waitingBytes >= 0)
        slow.tls.send(ByteBuffer(string: "again")) {}
      }
    }
    let written = slow.pair.server.write(ByteBuffer(string: "never"))
    var writable: [Bool] = []
    slow.socket.onWritabilityChange = { writable.append(slow.tls.isWritable) }
    // As NIO does: the writes fail before the channel becomes inactive.
    slow.socket.fail()
    #expect(slow.sent == 5)
    #expect(throws: ChannelError.ioOnClosedChannel) { try written.wait() }
    #expect(slow.tls.waitingBytes == 0)
    #expect(slow.socket.waiting.isEmpty)
    #expect(writable.isEmpty)
    try slow.takeAll()
    // It was not told that this is all.
    #expect(!slow.pair.clientLog.isInputClosed)
  }

  @Test func whatGoesThroughThePipelineWaitsInTheChannel() throws {
    let slow = try SlowPair()
    defer { slow.end() }
    for _ in 0..<5 { slow.pair.server.writeAndFlush(ByteBuffer(repeating: 6, count: 30_000), promise: nil) }
    #expect(slow.socket.waiting.map(\.bytes.readableBytes) == [Int](repeating: 30_000 + 2 * 22, count: 5))
    try slow.takeAll()
    #expect(slow.received == [UInt8](repeating: 6, count: 150_000))
  }

  @Test func manySmallPiecesShareRecords() throws {
    let slow = try SlowPair()
    defer { slow.end() }
    slow.send(ByteBuffer(string: "first"))
    for _ in 0..<100 { slow.send(ByteBuffer(repeating: 5, count: 100)) }
    slow.socket.take(1)
    #expect(slow.socket.waiting.map(\.bytes.readableBytes) == [10_022])
    try slow.takeAll()
    #expect(slow.sent == 101)
  }
}

/// A pair whose server writes to a socket that takes something only when it is told to.
private final class SlowPair {
  let pair: Pair
  let socket = SlowSocket()
  /// How many of the writes are said to be over.
  private(set) var sent = 0

  init() throws {
    pair = try Pair()
    try pair.run()
    try pair.server.pipeline.syncOperations.addHandler(socket, position: .first)
    try pair.server.pipeline.syncOperations.addHandler(socket.observer)
  }

  var tls: TLSHandler { pair.server.tls }
  var received: [UInt8] { pair.clientLog.bytes }

  func send(_ bytes: ByteBuffer, completion: @escaping () -> Void = {}) {
    tls.send(bytes) {
      self.sent += 1
      completion()
    }
  }

  func takeAll() throws {
    while !socket.waiting.isEmpty { socket.take(1) }
    pair.server.flush()
    try pair.run()
  }

  func end() {
    socket.fail()
    pair.end()
  }
}

private final class SlowSocket: ChannelOutboundHandler {
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private(set) var waiting: [(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)] = []
  private var context: ChannelHandlerContext?
  var onWritabilityChange: () -> Void = {}

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    waiting.append((unwrapOutboundIn(data), promise))
  }

  func take(_ count: Int) {
    for _ in 0..<count {
      let (bytes, promise) = waiting.removeFirst()
      context?.writeAndFlush(wrapOutboundOut(bytes), promise: promise)
    }
  }

  func fail() {
    let dropped = waiting
    waiting = []
    for (_, promise) in dropped { promise?.fail(ChannelError.ioOnClosedChannel) }
  }

  var observer: Observer { Observer(self) }

  final class Observer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let socket: SlowSocket

    init(_ socket: SlowSocket) { self.socket = socket }

    func channelWritabilityChanged(context: ChannelHandlerContext) { socket.onWritabilityChange() }
  }
}
