import CasebusProtocol
import CasebusWebSocket
import NIOCore
import NIOEmbedded
import Testing

@testable import CasebusTransport

/// The shell around the connection machine, in a channel without a socket.
@Suite struct WebSocketHandlerTests {
  @Test func messagesReachTheReceiverAndAnswersTheChannel() throws {
    let peer = try Peer()
    try peer.send(.text, "hello")
    #expect(peer.receiver.messages == ["hello"])
    peer.handler.writeText(ByteBuffer(string: "answer"))
    #expect(try peer.read() == nil)
    peer.handler.flush()
    #expect(try peer.read() == .text(ByteBuffer(string: "answer")))
  }

  @Test func pingIsAnsweredAtOnce() throws {
    let peer = try Peer()
    try peer.send(.ping, "are you there")
    #expect(try peer.read() == .pong(ByteBuffer(string: "are you there")))
  }

  @Test func pausedReadingHoldsMessagesAndReads() throws {
    let peer = try Peer()
    peer.handler.pauseReading()
    try peer.send(.text, "1")
    try peer.send(.text, "2")
    #expect(peer.receiver.messages == [])
    peer.handler.resumeReading()
    #expect(peer.receiver.messages == ["1", "2"])
  }

  @Test func pauseInTheMiddleOfABufferHoldsTheRest() throws {
    let peer = try Peer()
    peer.receiver.onText = { peer.handler.pauseReading() }
    try peer.channel.writeInbound(peer.frames((.text, "1"), (.text, "2"), (.text, "3")))
    #expect(peer.receiver.messages == ["1"])
    peer.handler.resumeReading()
    #expect(peer.receiver.messages == ["1", "2"])
    peer.receiver.onText = {}
    peer.handler.resumeReading()
    #expect(peer.receiver.messages == ["1", "2", "3"])
  }

  @Test func closingHandshakeOfThePeerIsAnsweredAndReported() throws {
    let peer = try Peer()
    try peer.channel.writeInbound(peer.closeFrame(1000, "bye"))
    #expect(try peer.read() == .closeReceived(code: .normalClosure, reason: ""))
    _ = try peer.channel.finish(acceptAlreadyClosed: true)
    #expect(peer.receiver.closures.map(\.code) == [1000])
    #expect(peer.receiver.closures.map(\.reason) == ["bye"])
    #expect(peer.receiver.closures.map(\.bytesSent) == [4])
  }

  @Test func brokenRuleIsAnsweredWithItsCloseCode() throws {
    let peer = try Peer()
    try peer.channel.writeInbound(ByteBuffer(bytes: [0x81, 0x01, 0x41]))  // a client's frame must be masked
    guard case .closeReceived(let code, _) = try peer.read() else {
      Issue.record("no close frame")
      return
    }
    #expect(code == .protocolError)
    _ = try peer.channel.finish(acceptAlreadyClosed: true)
    #expect(peer.receiver.closures.map(\.code) == [1002])
  }

  @Test func connectionThatIsLostIsReportedOnce() throws {
    let peer = try Peer()
    _ = try peer.channel.finish(acceptAlreadyClosed: true)
    #expect(peer.receiver.closures.map(\.code) == [1006])
  }

  @Test func slowestConnectionGoesFirstWhenTheWholeIsTooMuch() throws {
    let backlog = OutboundBacklog(bytesMax: 1_000)
    let loop = EmbeddedEventLoop()
    let peers = try (0..<3).map { _ in try Peer(backlog: backlog, loop: loop) }
    peers[0].handler.setBacklog(300)
    peers[1].handler.setBacklog(600)
    #expect(peers.allSatisfy { $0.channel.isActive })
    peers[2].handler.setBacklog(200)
    #expect(peers.map { $0.channel.isActive } == [true, false, true])
    #expect(peers[1].receiver.closures.map(\.code) == [4001])
    peers[0].handler.setBacklog(700)
    #expect(peers.map { $0.channel.isActive } == [true, false, true])
    peers[0].handler.setBacklog(900)
    #expect(peers.map { $0.channel.isActive } == [false, false, true])
  }
}

/// Every queue and buffer of a connection has a limit.
@Suite struct ConnectionBoundTests {
  @Test func whatIsGatheredInOneTickIsSentWhenItGetsMuch() throws {
    let peer = try Peer()
    let text = ByteBuffer(repeating: UInt8(ascii: "x"), count: 1_000)
    for _ in 0..<1_000 {
      peer.handler.writeText(text)
      #expect(peer.handler.gathered.readableBytes < WebSocketHandler.gatheredBytesMax + 1_100)
    }
    var sent = 0
    while let bytes = try peer.channel.readOutbound(as: ByteBuffer.self) { sent += bytes.readableBytes }
    #expect(sent > 700_000)
  }

  /// The peer takes all of them, but there is always something on the way to it when the timer looks.
  @Test func longMessagesThatWereTakenAreForgotten() throws {
    let peer = try Peer()
    let text = ByteBuffer(repeating: UInt8(ascii: "x"), count: WebSocketHandler.longMessageBytes + 1)
    for _ in 0..<1_000 {
      peer.handler.writeText(text)
      peer.handler.flush()
      #expect(peer.handler.lag?.longMessages.count == 1)
    }
  }

  @Test func thoseWhoWaitForRoomAreToldOnceAndForgotten() throws {
    let peer = try Peer()
    peer.handler.isLagging = true
    var told = 0
    for _ in 0..<10 { peer.handler.whenWritable { told += 1 } }
    #expect((told, peer.handler.waitingForRoom.count) == (0, 10))
    peer.handler.channelWritabilityChanged(context: peer.handler.context!)
    #expect((told, peer.handler.waitingForRoom.count) == (10, 0))
  }

  @Test func whatWaitsForAConnectionThatEndsIsForgotten() throws {
    let peer = try Peer()
    peer.handler.isLagging = true
    peer.handler.whenWritable { Issue.record("there is no room") }
    _ = try peer.channel.finish(acceptAlreadyClosed: true)
    #expect(peer.handler.waitingForRoom.isEmpty)
  }

  @Test func connectionThatIsPausedReadsNoFurther() throws {
    let peer = try Peer()
    peer.handler.pauseReading()
    for _ in 0..<100 { peer.channel.pipeline.read() }
    #expect(peer.handler.isReadPending)
  }
}

/// A peer for which more waits than `outboundQueueBytesMax`, because an answer was long.
@Suite struct StalledPeerTests {
  private static let queueBytesMax = 1_000
  private let peer: Peer

  /// 5,000 bytes of one answer wait, and the time in which some must be taken is over at once.
  init() throws {
    var configuration = ConnectionConfiguration()
    configuration.outboundQueueBytesMax = Self.queueBytesMax
    configuration.outboundStallSeconds = 0
    peer = try Peer(configuration)
    peer.handler.isLagging = true
    peer.handler.lag = PeerLag()
    peer.handler.lag?.longMessageAdded(at: 0..<5_000, waitingFrom: 0)
    wait(5_000)
    peer.handler.checkBacklog()
  }

  /// What is not flushed waits in the channel.
  private func wait(_ byteCount: Int) {
    peer.handler.bytesSent += byteCount
    peer.channel.write(ByteBuffer(repeating: 0, count: byteCount), promise: nil)
  }

  @Test func whoTakesNothingIsCutOff() {
    #expect(peer.channel.isActive)
    peer.handler.timeReached()
    #expect(!peer.channel.isActive)
    #expect(peer.receiver.closures.map(\.code) == [4001])
  }

  /// It lags still, but no more waits than may: it is pinged like every other.
  @Test func whoHasTakenEnoughSinceIsNotCutOff() {
    peer.channel.flush()
    wait(Self.queueBytesMax)
    peer.handler.timeReached()
    #expect(peer.channel.isActive)
    #expect(peer.handler.lag?.stallDeadline == nil)
  }
}

/// A peer from which nothing is read for the moment, so that its pongs are not seen.
@Suite struct PausedPeerTests {
  @Test(arguments: [(0, true), (PeerLag.progressBytesMin - 1, true), (PeerLag.progressBytesMin, false)])
  func isAliveUnlessItTakesNothingOfWhatWaitsForIt(waitingBytes: Int, isAlive: Bool) throws {
    var configuration = ConnectionConfiguration()
    configuration.timing = KeepAlive.Timing(pingIntervalSeconds: 0, pongTimeoutSeconds: 0)
    let peer = try Peer(configuration)
    peer.handler.pauseReading()
    for _ in 1...3 where peer.handler.connection.isOpen {
      // The embedded channel takes with a ping what waited before it.
      peer.channel.write(ByteBuffer(repeating: 0, count: waitingBytes), promise: nil)
      peer.handler.timeReached()
    }
    #expect(peer.handler.connection.isOpen == isAlive)
    #expect(peer.handler.closure?.code == (isAlive ? nil : 4002))
  }
}

/// The other end of a handler's channel.
final class Peer {
  let channel: EmbeddedChannel
  let handler: WebSocketHandler
  let receiver = RecordingReceiver()
  private var reader = WebSocketConnection(role: .client { WebSocketMaskingKey(0) })
  private let writer = WebSocketConnection(role: .client { WebSocketMaskingKey(0x0102_0304) })

  init(
    _ configuration: ConnectionConfiguration = ConnectionConfiguration(),
    backlog: OutboundBacklog = OutboundBacklog(bytesMax: .max), loop: EmbeddedEventLoop = EmbeddedEventLoop()
  ) throws {
    channel = EmbeddedChannel(loop: loop)
    handler = WebSocketHandler(
      connection: WebSocketConnection(role: .server, limits: configuration.limits), configuration: configuration,
      backlog: backlog, timers: TimerWheel(loop))
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    try channel.pipeline.syncOperations.addHandler(handler)
    handler.open(receiver)
  }

  deinit {
    // A channel and its pipeline hold each other until the channel is closed.
    _ = try? channel.finish(acceptAlreadyClosed: true)
  }

  func frames(_ messages: (WebSocketOpcode, String)...) -> ByteBuffer {
    messages.reduce(into: ByteBuffer()) { buffer, message in
      let payload = ByteBuffer(string: message.1)
      let frame = message.0 == .ping ? writer.sendPing(payload) : writer.sendText(payload)
      buffer.writeImmutableBuffer(frame!)
    }
  }

  func closeFrame(_ code: UInt16, _ reason: String) -> ByteBuffer {
    var closing = WebSocketConnection(role: .client { WebSocketMaskingKey(7) })
    _ = closing.startClose(code: WebSocketCloseCode(rawValue: code), reason: reason)
    return closing.nextOutbound()!
  }

  func send(_ opcode: WebSocketOpcode, _ text: String) throws {
    try channel.writeInbound(frames((opcode, text)))
  }

  /// The next thing that the handler sent; nil if there is none.
  func read() throws -> WebSocketEvent? {
    while var bytes = try channel.readOutbound(as: ByteBuffer.self) { reader.receive(&bytes, at: 0) }
    return reader.nextEvent()
  }
}

final class RecordingReceiver: MessageReceiver {
  private(set) var messages: [String] = []
  private(set) var closures: [ConnectionClosure] = []
  var onText: () -> Void = {}

  func textReceived(_ text: ByteBuffer) {
    messages.append(String(buffer: text))
    onText()
  }

  func binaryReceived(_ bytes: ByteBuffer) {
    messages.append("binary \(bytes.readableBytes)")
  }

  func connectionClosed(_ closure: ConnectionClosure) {
    closures.append(closure)
  }
}
