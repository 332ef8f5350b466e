import CasebusDeflate
import CasebusTLS
import CasebusWebSocket
import NIOCore
import NIOHTTP1

/// Makes the opening handshake as a client, then replaces the HTTP handlers and itself by a ``WebSocketHandler``.
final class ClientHandshakeHandler<Receiver: MessageReceiver & Sendable>: ChannelInboundHandler, RemovableChannelHandler
{
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  private let host: String
  private let target: String
  private let timeout: TimeAmount
  private let configuration: ConnectionConfiguration
  private let backlog: OutboundBacklog
  private let timers: TimerWheel
  private let hasTLS: Bool
  private let handshake: ClientOpeningHandshake
  private let open: @Sendable (WebSocketHandler) -> Receiver
  private let opened: EventLoopPromise<Receiver>
  private var timer: Scheduled<Void>?
  private var state = State.waiting
  private var heldBack: [NIOAny] = []

  private enum State {
    case waiting
    /// The response is valid; HTTP ends with it.
    case accepted(ClientOpeningHandshake.Agreement)
    /// The HTTP handlers are being removed; their unread bytes are kept for the ``WebSocketHandler``.
    case leavingHTTP
    /// The server refused; the body with the reason is being received.
    case refused(status: Int, body: ByteBuffer)
  }

  /// About how many bytes of a refusal's body are kept.
  private static var refusalBytesMax: Int { 4096 }

  init(
    host: String, target: String, timeout: TimeAmount, configuration: ConnectionConfiguration, backlog: OutboundBacklog,
    timers: TimerWheel, hasTLS: Bool, open: @escaping @Sendable (WebSocketHandler) -> Receiver,
    opened: EventLoopPromise<Receiver>
  ) {
    self.host = host
    self.target = target
    self.timeout = timeout
    self.configuration = configuration
    self.backlog = backlog
    self.timers = timers
    self.hasTLS = hasTLS
    self.open = open
    self.opened = opened
    handshake = ClientOpeningHandshake(
      keyBytes: (0..<16).map { _ in .random(in: .min ... .max) }, offersDeflate: configuration.deflate != nil)
  }

  func channelActive(context: ChannelHandlerContext) {
    var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: target)
    head.headers.add(name: "Host", value: host)
    for header in handshake.requestHeaders { head.headers.add(name: header.name, value: header.value) }
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { [timeout] in
      self.fail(.handshakeFailed("no answer within \(timeout.nanoseconds / 1_000_000_000) s"), context)
    }
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .leavingHTTP = state { return heldBack.append(data) }
    switch unwrapInboundIn(data) {
    case .head(let head): received(head, context)
    case .body(let bytes): received(bytes)
    case .end: responseEnded(context)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    fail(.handshakeFailed("the server closed the connection"), context)
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail((error as? TLSError).map { .tls($0) } ?? .handshakeFailed("\(error)"), context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
  }

  private func received(_ head: HTTPResponseHead, _ context: ChannelHandlerContext) {
    let headers = head.headers.lazy.map { (name: $0.name, value: $0.value) }
    switch handshake.responseReceived(status: Int(head.status.code), headers: headers) {
    case .open(let agreement): state = .accepted(agreement)
    case .fail(.status(let status)): state = .refused(status: status, body: ByteBuffer())
    case .fail(let failure): fail(.handshakeFailed("\(failure)"), context)
    }
  }

  private func received(_ bytes: ByteBuffer) {
    guard case .refused(let status, var body) = state, body.readableBytes < Self.refusalBytesMax else { return }
    body.writeImmutableBuffer(bytes)
    state = .refused(status: status, body: body)
  }

  private func responseEnded(_ context: ChannelHandlerContext) {
    switch state {
    case .waiting, .leavingHTTP: break
    case .accepted(let agreement): leaveHTTP(context, agreement)
    case .refused(let status, let body): fail(.refused(status: status, String(buffer: body)), context)
    }
  }

  /// The response decoder is removed one turn of the loop later. Until then it takes every write for an HTTP request.
  private func leaveHTTP(_ context: ChannelHandlerContext, _ agreement: ClientOpeningHandshake.Agreement) {
    state = .leavingHTTP
    let pipeline = context.pipeline.syncOperations
    do {
      pipeline.removeHandler(context: try pipeline.context(handlerType: HTTPRequestEncoder.self), promise: nil)
      pipeline.removeHandler(
        context: try pipeline.context(handlerType: ByteToMessageHandler<HTTPResponseDecoder>.self)
      ).assumeIsolated().whenComplete { _ in self.upgrade(context, agreement) }
    } catch {
      fail(.handshakeFailed("\(error)"), context)
    }
  }

  private func upgrade(_ context: ChannelHandlerContext, _ agreement: ClientOpeningHandshake.Agreement) {
    guard context.channel.isActive else { return }
    let handler: WebSocketHandler
    do {
      handler = WebSocketHandler(
        connection: connection(agreement), configuration: configuration, backlog: backlog, timers: timers,
        tls: hasTLS ? try context.pipeline.syncOperations.handler(type: TLSHandler.self) : nil)
      try context.pipeline.syncOperations.addHandler(handler)
    } catch {
      return fail(.handshakeFailed("\(error)"), context)
    }
    let receiver = open(handler)
    handler.open(receiver)
    opened.succeed(receiver)
    for data in heldBack { context.fireChannelRead(data) }
    context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
  }

  private func connection(_ agreement: ClientOpeningHandshake.Agreement) -> WebSocketConnection {
    let role = WebSocketRole.client { WebSocketMaskingKey(.random(in: .min ... .max)) }
    let deflate = configuration.deflate ?? DeflateConfiguration()
    let compression = agreement.deflate.map {
      MessageCompression.client($0, thresholdBytes: deflate.thresholdBytes, level: deflate.level)
    }
    return WebSocketConnection(role: role, limits: configuration.limits, compression: compression)
  }

  private func fail(_ error: ConnectError, _ context: ChannelHandlerContext) {
    opened.fail(error)
    context.close(promise: nil)
  }
}
