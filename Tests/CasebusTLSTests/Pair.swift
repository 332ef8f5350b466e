import NIOCore
import NIOEmbedded

@testable import CasebusTLS

/// Two channels with a ``TLSHandler`` each, joined in memory.
struct Pair {
  let client: EmbeddedChannel
  let server: EmbeddedChannel
  let clientLog: Log
  let serverLog: Log

  init(loop: EmbeddedEventLoop = EmbeddedEventLoop(), gate: HandshakeGate? = nil) throws {
    server = try Self.server(loop: loop, gate: gate)
    let session = try TLSSession(client: .trusting(Peers.identity), host: Peers.host)
    client = try Self.channel(session, loop, TLSHandler.Options(handshakeTimeoutSeconds: 10))
    clientLog = try client.pipeline.syncOperations.handler(type: Log.self)
    serverLog = try server.pipeline.syncOperations.handler(type: Log.self)
  }

  static func server(
    loop: EmbeddedEventLoop = EmbeddedEventLoop(), gate: HandshakeGate? = nil,
    onHandshakeFailed: @escaping (TLSError) -> Void = { _ in }
  ) throws -> EmbeddedChannel {
    let options = TLSHandler.Options(handshakeTimeoutSeconds: 10, gate: gate) { error, _ in onHandshakeFailed(error) }
    return try channel(TLSSession(server: .server(Peers.identity)), loop, options)
  }

  private static func channel(
    _ session: TLSSession, _ loop: EmbeddedEventLoop, _ options: TLSHandler.Options
  ) throws -> EmbeddedChannel {
    let channel = EmbeddedChannel(loop: loop)
    try channel.pipeline.syncOperations.addHandlers([TLSHandler(session, options), Log()])
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    return channel
  }

  /// Passes on what each has for the other until neither has anything.
  func run() throws {
    while try passOnce() {}
  }

  /// - Returns: whether there was anything.
  @discardableResult func passOnce() throws -> Bool {
    let toServer = try client.readOutbound(as: ByteBuffer.self)
    let toClient = try server.readOutbound(as: ByteBuffer.self)
    if let toServer { try server.writeInbound(toServer, throwing: false) }
    if let toClient { try client.writeInbound(toClient, throwing: false) }
    return toServer != nil || toClient != nil
  }

  /// An open channel keeps itself alive.
  func end() {
    client.end()
    server.end()
  }

  /// What reached the top of the pipeline.
  final class Log: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    var bytes: [UInt8] = []
    var errors: [TLSError] = []
    var isInputClosed = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      bytes += Array(buffer: unwrapInboundIn(data))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      if let error = error as? TLSError { errors.append(error) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if case ChannelEvent.inputClosed = event { isInputClosed = true }
    }
  }
}

extension EmbeddedChannel {
  var tls: TLSHandler { try! pipeline.syncOperations.handler(type: TLSHandler.self) }

  func end() {
    _ = try? finish(acceptAlreadyClosed: true)
  }

  func writeInbound(_ bytes: ByteBuffer, throwing: Bool) throws {
    pipeline.syncOperations.fireChannelRead(NIOAny(bytes))
    pipeline.syncOperations.fireChannelReadComplete()
  }
}
