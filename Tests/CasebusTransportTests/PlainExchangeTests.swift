import CasebusWebSocket
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import CasebusTransport

/// Answers of connections that stay open: written whole and in pieces, or the connection ends.
@Suite struct PlainExchangeTests {
  private static let request = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

  @Test func aLongAnswerIsWrittenInPiecesAndTheNextRequestIsAnswered() async throws {
    let connection = try await Connection()
    let text = String(repeating: "0123456789", count: 100_000)
    for _ in 0..<2 {
      try await connection.send(Self.request)
      await connection.answer { Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: text))) }
      let answer = try await connection.received()
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("\r\n\r\n" + text))
    }
    #expect(connection.channel.isActive)
  }

  @Test func anAnswerOfUnknownLengthIsChunked() async throws {
    let connection = try await Connection()
    try await connection.send(Self.request)
    await connection.answer {
      Response(
        status: .ok,
        body: ResponseBody { writer in
          for text in ["one", "two"] { try await writer.write(ByteBuffer(string: text)) }
          try await writer.finish(nil)
        })
    }
    #expect(
      try await connection.received()
        == "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    #expect(connection.channel.isActive)
  }

  @Test(arguments: [true, false]) func aConnectionWhoseAnswerIsNotWholeEnds(_ throwing: Bool) async throws {
    let connection = try await Connection()
    try await connection.send(Self.request)
    await connection.answer {
      Response(
        status: .ok,
        body: ResponseBody(contentLength: 10) { writer in
          try await writer.write(ByteBuffer(string: "one"))
          if throwing { throw ChannelError.eof }
        })
    }
    #expect(!connection.channel.isActive)
  }

  @Test func anAnswerToAConnectionThatIsGoneDoesNothing() async throws {
    let connection = try await Connection()
    try await connection.send(Self.request)
    try await connection.channel.close()
    await connection.answer { Response(status: .ok) }
    #expect(try await connection.received() == "")
  }

  @Test func aSecondRequestWaitsForTheFirstAnswer() async throws {
    let connection = try await Connection()
    try await connection.send(Self.request + Self.request)
    #expect(connection.waitingCount == 1)
    await connection.answer { Response(status: .ok) }
    #expect(connection.waitingCount == 1)
    await connection.answer { Response(status: .notFound) }
    #expect(
      try await connection.received()
        == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
  }

  @Test func aStopClosesAfterTheAnswerAndSaysSo() async throws {
    let connection = try await Connection()
    try await connection.send(Self.request)
    connection.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    await connection.answer { Response(status: .ok) }
    #expect(
      try await connection.received() == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
  }
}

private final class Connection: Sendable {
  let channel = NIOAsyncTestingChannel()
  private let waiting = Queue()

  private final class Queue: Sendable {
    let exchanges = Mutex<[PlainExchange]>([])
  }

  init() async throws {
    let entrance = UpgradingChannel(
      acceptor: NobodyAcceptor(), connections: ServerConnections(ConnectionConfiguration()), tls: nil,
      logger: Logger(label: "test")
    ) { [waiting] work in
      if case .exchange(let exchange) = work { waiting.exchanges.withLock { $0.append(exchange) } }
    }
    try await channel.testingEventLoop.executeInContext { [channel] in try entrance.begin(channel) }
    try await channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1))
  }

  var waitingCount: Int { waiting.exchanges.withLock(\.count) }

  func send(_ text: String) async throws {
    try await channel.writeInbound(ByteBuffer(string: text))
  }

  /// Answers the request that waits longest, and waits until nothing more happens.
  func answer(_ response: @escaping @Sendable () -> Response) async {
    let exchange = waiting.exchanges.withLock { $0.removeFirst() }
    await exchange.answer { _, _ in response() }
    await channel.testingEventLoop.run()
  }

  func received() async throws -> String {
    var bytes = ByteBuffer()
    while let part = try await channel.readOutbound(as: ByteBuffer.self) { bytes.writeImmutableBuffer(part) }
    return String(buffer: bytes)
  }
}

private struct NobodyAcceptor: WebSocketAcceptor {
  func admit(_ request: OpeningRequest) throws(OpeningHandshakeRejection) -> Never {
    throw OpeningHandshakeRejection(status: 404, "there is nothing")
  }

  func open(_ ticket: Never, _ connection: WebSocketHandler, on eventLoop: any EventLoop) -> any MessageReceiver {}
}
