import NIOCore
import NIOEmbedded
import Testing

@testable import CasebusTLS

@Suite struct HandlerTests {
  @Test func whatIsWrittenBeforeTheEndOfTheHandshakeWaitsForIt() throws {
    let pair = try Pair()
    defer { pair.end() }
    let written = pair.client.writeAndFlush(ByteBuffer(string: "early"))
    #expect(pair.serverLog.bytes.isEmpty)
    try pair.run()
    #expect(pair.serverLog.bytes == Array("early".utf8))
    try written.wait()
    #expect(pair.server.tls.parameters?.version == "TLSv1.3")
  }

  /// `tlsQueueBytesMax` of the registry.
  @Test func moreThanMayWaitForTheEndOfTheHandshakeEndsIt() throws {
    let pair = try Pair()
    defer { pair.end() }
    let quarter = ByteBuffer(repeating: 1, count: 65_536)
    for _ in 0..<4 { pair.client.writeAndFlush(quarter, promise: nil) }
    #expect(pair.clientLog.errors == [])
    #expect(throws: TLSError.queueFull) { try pair.client.writeAndFlush(ByteBuffer(bytes: [1])).wait() }
    #expect(pair.clientLog.errors == [.queueFull])
    #expect(pair.client.tls.waitingBytes == 0)
  }

  @Test func whatIsWrittenBeforeAFlushSharesARecord() throws {
    let pair = try Pair()
    defer { pair.end() }
    try pair.run()
    let promises = (0..<3).map { _ in pair.server.eventLoop.makePromise(of: Void.self) }
    for promise in promises { pair.server.write(ByteBuffer(repeating: 1, count: 100), promise: promise) }
    pair.server.flush()
    #expect(try pair.server.readOutbound(as: ByteBuffer.self)?.readableBytes == 300 + 22)
    #expect(try pair.server.readOutbound(as: ByteBuffer.self) == nil)
    for promise in promises { try promise.futureResult.wait() }
  }

  @Test func thePeersCloseNotifyIsTheEndOfTheInput() throws {
    let pair = try Pair()
    defer { pair.end() }
    try pair.run()
    pair.client.write(ByteBuffer(string: "bye"), promise: nil)
    pair.client.close(mode: .output, promise: nil)
    try pair.run()
    #expect(pair.serverLog.bytes == Array("bye".utf8))
    #expect(pair.serverLog.isInputClosed)
    #expect(pair.serverLog.errors.isEmpty)
  }

  @Test func anEndWithoutCloseNotifyIsAnError() throws {
    let pair = try Pair()
    defer { pair.end() }
    try pair.run()
    pair.server.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    #expect(pair.serverLog.errors == [.truncated])
    #expect(!pair.server.isActive)
  }

  @Test func afterOnesOwnCloseNotifyAnEndWithoutTheOthersIsNone() throws {
    let pair = try Pair()
    defer { pair.end() }
    try pair.run()
    pair.server.tls.closeOutput(promise: nil)
    pair.server.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    #expect(pair.serverLog.errors.isEmpty)
  }

  @Test func aClientThatStallsIsCutOffAtTheDeadline() throws {
    var failures: [TLSError] = []
    let server = try Pair.server { failures.append($0) }
    defer { server.end() }
    server.embeddedEventLoop.advanceTime(by: .seconds(9))
    #expect(server.isActive)
    server.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!server.isActive)
    #expect(failures == [.handshakeTimedOut(seconds: 10)])
  }

  @Test func plainHTTPIsAnsweredAndThenTheConnectionIsClosed() throws {
    var failures: [TLSError] = []
    let server = try Pair.server { failures.append($0) }
    defer { server.end() }
    try server.writeInbound(ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"), throwing: false)
    let answer = try server.readOutbound(as: ByteBuffer.self)
    #expect(answer.map { String(buffer: $0).hasPrefix("HTTP/1.1 400 ") } == true)
    #expect(failures == [.plainHTTP])
    server.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!server.isActive)
  }

  @Test func onlySoManyHandshakesAreInProgress() throws {
    let loop = EmbeddedEventLoop()
    let gate = HandshakeGate(eventLoop: loop, inProgressMax: 2)
    let servers = try (0..<4).map { _ in try Pair.server(loop: loop, gate: gate) }
    defer { for server in servers { server.end() } }
    #expect(servers.map(\.tls.isWaitingForGate) == [false, false, true, true])
    // Until its turn nothing is read from it.
    try servers[0].close().wait()
    #expect(servers.map(\.tls.isWaitingForGate) == [false, false, false, true])
    try servers[1].writeInbound(ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"), throwing: false)
    #expect(servers.map(\.tls.isWaitingForGate) == [false, false, false, false])
  }

  @Test func oneThatGaveUpWhileItWaitedIsPassedOver() throws {
    let loop = EmbeddedEventLoop()
    let gate = HandshakeGate(eventLoop: loop, inProgressMax: 1)
    let servers = try (0..<3).map { _ in try Pair.server(loop: loop, gate: gate) }
    defer { for server in servers { server.end() } }
    try servers[1].close().wait()
    #expect(servers[2].tls.isWaitingForGate)
    try servers[0].close().wait()
    #expect(!servers[2].tls.isWaitingForGate)
  }

  @Test func afterTwoMillisecondsOfHandshakesTheLoopTurnsToOthers() throws {
    let loop = EmbeddedEventLoop()
    let gate = HandshakeGate(eventLoop: loop, inProgressMax: 1000)
    let pairs = try (0..<100).map { _ in try Pair(loop: loop, gate: gate) }
    defer { for pair in pairs { pair.end() } }
    for pair in pairs { try pair.passOnce() }
    let answers = try pairs.map { try $0.server.readOutbound(as: ByteBuffer.self) }
    #expect((1..<100).contains(answers.count { $0 != nil }))
    for (pair, answer) in zip(pairs, answers) {
      if let answer { try pair.client.writeInbound(answer, throwing: false) }
    }
    for _ in 0..<300 {
      loop.advanceTime(by: .microseconds(20))
      for pair in pairs { try pair.run() }
    }
    #expect(pairs.allSatisfy { $0.server.tls.parameters != nil })
  }
}
