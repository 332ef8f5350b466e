import CasebusWebSocket
import Logging
import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import CasebusTransport

@Suite struct TransportStatisticsTests {
  private let connections: ServerConnections
  private let loop = EmbeddedEventLoop()

  init() {
    var configuration = ConnectionConfiguration()
    configuration.connectionsMax = 4
    configuration.connectionsPerAddressMax = 3
    connections = ServerConnections(configuration)
  }

  @Test func connectionsAreCountedByWhatBecameOfThem() throws {
    let channels = try (0..<3).map { _ in try connect(from: "10.0.0.1") }
    _ = try connect(from: "10.0.0.1")
    _ = try connect(from: "10.0.0.2")
    _ = try connect(from: "10.0.0.3")
    try send(Self.handshake("/good"), to: channels[0])
    _ = try channels[1].finish()
    connections.census.quiesce()
    _ = try connect(from: "10.0.0.4")
    let statistics = connections.census.statistics
    #expect(statistics.accepted == 7)
    #expect(statistics.refused == [.connectionsPerAddressMax: 1, .connectionsMax: 1, .stopping: 1])
    #expect(statistics.dropped == 0)
  }

  @Test func openConnectionsAreThoseThatAreNotClosed() throws {
    let channels = try (0..<3).map { _ in try connect(from: "10.0.0.1") }
    #expect(connections.census.statistics.open == 3)
    try send(Self.handshake("/good"), to: channels[0])
    #expect(connections.census.statistics.openPlain == 2)
    _ = try channels[1].finish()
    #expect(connections.census.statistics.open == 2)
    #expect(connections.census.statistics.accepted == 3)
  }

  @Test func connectionsThatAreDroppedWithoutAnAnswerAreAmongTheRefused() throws {
    for _ in 0..<3 { _ = try connect(from: "10.0.0.1") }
    for _ in 0..<ConnectionCensus.refusalsMax { _ = try connect(from: "10.0.0.1") }
    #expect(throws: ChannelError.ioOnClosedChannel) { try connect(from: "10.0.0.1") }
    let statistics = connections.census.statistics
    #expect(statistics.refused == [.connectionsPerAddressMax: ConnectionCensus.refusalsMax + 1])
    #expect(statistics.dropped == 1)
  }

  @Test(arguments: [
    (handshake("/good"), ConnectionCounts(handshakesTaken: 1)),
    (handshake("/good", more: "X: padded \r\n"), ConnectionCounts(handshakesTaken: 1)),
    (handshake("/bad"), ConnectionCounts(requestsRefused: [404: 1])),
    (handshake("/good", version: 12), ConnectionCounts(requestsRefused: [426: 1])),
    ("\u{1}\r\n\r\n", ConnectionCounts(requestsRefused: [400: 1])),
    ("GET / HTTP/1.1\r\n\r\n", ConnectionCounts(requestsRefused: [400: 1])),
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", ConnectionCounts(plainRequests: 1)),
    ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", ConnectionCounts(plainRequests: 1)),
  ])
  func aRequestIsCountedByWhatBecameOfIt(_ request: String, _ expected: ConnectionCounts) throws {
    try send(request, to: try connect(from: "10.0.0.1"))
    #expect(connections.counters.value(on: loop).counts == expected)
  }

  @Test func theLoopsAreAddedUp() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 3)
    for (index, loop) in group.makeIterator().enumerated() {
      try await loop.submit { [connections] in
        connections.counters.value(on: loop).counts = ConnectionCounts(
          handshakesTaken: index + 1, requestsRefused: [400: 1, 500 + index: 2], plainRequests: 10, tlsHandshakes: 7,
          tlsHandshakesFailed: index)
      }.get()
    }
    let counts = await connections.statistics().counts
    #expect(
      counts
        == ConnectionCounts(
          handshakesTaken: 6, requestsRefused: [400: 3, 500: 2, 501: 2, 502: 2], plainRequests: 30, tlsHandshakes: 21,
          tlsHandshakesFailed: 3))
    try await group.shutdownGracefully()
  }

  private static func handshake(_ target: String, version: Int = 13, more: String = "") -> String {
    "GET \(target) HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\(more)"
      + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: \(version)\r\n\r\n"
  }

  private func connect(from address: String) throws -> EmbeddedChannel {
    let entrance = UpgradingChannel(
      acceptor: Acceptor(), connections: connections, tls: nil, logger: Logger(label: "test")
    ) { _ in }
    let channel = EmbeddedChannel(loop: loop)
    channel.remoteAddress = try SocketAddress(ipAddress: address, port: 1)
    try entrance.begin(channel)
    try channel.connect(to: SocketAddress(ipAddress: address, port: 1)).wait()
    return channel
  }

  private func send(_ text: String, to channel: EmbeddedChannel) throws {
    try channel.writeInbound(ByteBuffer(string: text), throwing: false)
    loop.run()
  }
}

private struct Acceptor: WebSocketAcceptor {
  func admit(_ request: OpeningRequest) throws(OpeningHandshakeRejection) -> Bool {
    guard request.path == "/good" else { throw OpeningHandshakeRejection(status: 404, "there is nothing") }
    return true
  }

  func open(_ ticket: Bool, _ connection: WebSocketHandler, on eventLoop: any EventLoop) -> any MessageReceiver {
    Receiver()
  }
}

private final class Receiver: MessageReceiver {
  func textReceived(_ text: ByteBuffer) {}
  func binaryReceived(_ bytes: ByteBuffer) {}
  func connectionClosed(_ closure: ConnectionClosure) {}
}

extension EmbeddedChannel {
  /// Errors of the channel are no matter.
  fileprivate func writeInbound(_ bytes: ByteBuffer, throwing: Bool) throws {
    do { try writeInbound(bytes) } catch  where !throwing {}
  }
}
