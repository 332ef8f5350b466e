import CasebusWebSocket
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Reads the requests of a connection. It answers a valid plain opening handshake itself and gives plain requests for a
/// resource to a task. Everything else goes to the HTTP pipeline, with its bytes unchanged.
///
/// A connection that goes through NIO's HTTP pipeline and its upgrade costs twice the processor time
/// (Docs/internals/fan-out.md).
final class OpeningReader<Acceptor: WebSocketAcceptor>: ChannelDuplexHandler, RemovableChannelHandler, Timed {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  var timerPlace: TimerWheel.Place?
  private let channel: UpgradingChannel<Acceptor>
  private let timers: TimerWheel
  private let eventLoop: any EventLoop
  private var intake: RequestIntake
  private var deadline: NIODeadline
  private var context: ChannelHandlerContext?
  /// Set while plain requests are answered.
  private var encoder: HTTPResponseEncoder?
  private var isFirstRead = true
  private var isReadPending = false

  /// How long a peer can take to read the last answer.
  private static var lingerTime: TimeAmount { .seconds(2) }

  init(_ channel: UpgradingChannel<Acceptor>, on eventLoop: any EventLoop) {
    self.channel = channel
    self.eventLoop = eventLoop
    timers = channel.opening.timers.value(on: eventLoop)
    let configuration = channel.opening.configuration
    intake = RequestIntake(configuration.intakeLimits)
    deadline = .now() + .seconds(Int64(configuration.handshakeTimeoutSeconds))
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    startTimer()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timers.disarm(self)
    self.context = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data)
    if isFirstRead, bytes.beginsTLS {
      channel.tlsOnPlainPort(context.channel)
      return leave(to: .http(refusal: .tlsOnPlainPort), with: nil, context)
    }
    isFirstRead = false
    if intake.isIdle { startTimer(seconds: channel.opening.configuration.handshakeTimeoutSeconds) }
    perform(intake.bytesReceived(bytes), context)
  }

  func read(context: ChannelHandlerContext) {
    if intake.hasEnough { isReadPending = true } else { context.read() }
  }

  private func perform(_ action: RequestIntake.OnBytes, _ context: ChannelHandlerContext) {
    switch action {
    case .wait: break
    case .answer(let head): begin(head, context)
    case .leaveToHTTP(let bytes): leave(to: .http(refusal: nil), with: bytes, context)
    case .upgrade(let head, var bytes):
      // The HTTP pipeline answers a refused connection.
      let admission = try? channel.opening.admit(
        method: head.method, target: head.target, headers: head.fields, from: context.channel)
      guard let admission else { return leave(to: .http(refusal: nil), with: bytes, context) }
      bytes.moveReaderIndex(forwardBy: head.byteCount)
      // Bytes behind a valid opening handshake are no longer HTTP.
      leave(to: .webSocket(admission), with: bytes, context)
    }
  }

  private func startTimer(seconds: Int) {
    deadline = .now() + .seconds(Int64(seconds))
    startTimer()
  }

  private func startTimer() {
    timers.arm(self, at: Int64(deadline.uptimeNanoseconds))
  }

  func timeReached() {
    guard let context else { return }
    guard deadline <= .now() else { return startTimer() }
    switch intake.timeReached() {
    case .close: context.close(promise: nil)
    case .leaveToHTTP(let bytes): leave(to: .http(refusal: nil), with: bytes, context)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is ChannelShouldQuiesceEvent: if intake.quiesced() == .close { context.close(promise: nil) }
    case ChannelEvent.inputClosed: if intake.inputClosed() == .close { context.close(promise: nil) }
    case _: context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}

// MARK: - Leaving the connection to somebody else

extension OpeningReader {
  private enum Successor {
    case webSocket(WebSocketOpening<Acceptor>.Admission)
    /// - refusal: the answer to every request; nil if the connection is accepted.
    case http(refusal: OpeningHandshakeRejection?)
  }

  /// - Parameter bytes: what the next handler reads first.
  private func leave(to successor: Successor, with bytes: ByteBuffer?, _ context: ChannelHandlerContext) {
    let pipeline = context.pipeline.syncOperations
    if let encoder { pipeline.removeHandler(encoder, promise: nil) }
    do {
      switch successor {
      case .webSocket(let admission): try upgrade(admission, context)
      case .http(let refusal): try channel.configureHTTP(context.channel, deadline: deadline, refusal: refusal)
      }
    } catch {
      context.close(promise: nil)
    }
    if let bytes, bytes.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(bytes)) }
    if isReadPending { context.read() }
    pipeline.removeHandler(context: context, promise: nil)
  }

  private func upgrade(_ admission: WebSocketOpening<Acceptor>.Admission, _ context: ChannelHandlerContext) throws {
    context.writeAndFlush(wrapOutboundOut(admission.response.head), promise: nil)
    guard context.channel.isActive else { return }
    try channel.upgrade(admission, context.channel)
  }
}

// MARK: - Answering a plain request

extension OpeningReader: AnswerSink {
  private func begin(_ head: PlainRequestHead, _ context: ChannelHandlerContext) {
    timers.disarm(self)
    do {
      if encoder == nil {
        let encoder = HTTPResponseEncoder()
        try context.pipeline.syncOperations.addHandler(encoder, position: .after(self))
        self.encoder = encoder
      }
      channel.opening.counters.value(on: eventLoop).counts.plainRequests += 1
      let peer = channel.opening.peer(of: context.channel)
      let request = try HTTPRequest(HTTPRequestHead(head), secure: peer.isSecure, splitCookie: false)
      guard let number = intake.answerNumber else { return }
      channel.onHTTP(
        .exchange(PlainExchange(request, number: number, from: peer, to: self, on: context.eventLoop)))
    } catch {
      context.close(promise: nil)
    }
  }

  func writeAnswer(_ parts: [HTTPResponsePart], _ number: Int) -> EventLoopFuture<Void> {
    guard let context, intake.answerNumber == number else {
      return eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
    }
    // If the peer takes nothing of the answer, the connection ends.
    startTimer(seconds: channel.opening.configuration.httpIdleSeconds)
    let written = eventLoop.makePromise(of: Void.self)
    for (index, part) in parts.enumerated() {
      context.channel.write(encoded(part), promise: index == parts.count - 1 ? written : nil)
    }
    context.channel.flush()
    let isWhole = if case .end = parts.last { true } else { false }
    return written.futureResult.assumeIsolated().map { self.written(isWhole: isWhole, number) }.nonisolated()
  }

  private func encoded(_ part: HTTPResponsePart) -> HTTPServerResponsePart {
    switch part {
    case .head(var response):
      if intake.isLastAnswer { response.headerFields[.connection] = "close" }
      return .head(HTTPResponseHead(response))
    case .body(let bytes): return .body(.byteBuffer(bytes))
    case .end(let trailers): return .end(trailers.map(HTTPHeaders.init))
    }
  }

  private func written(isWhole: Bool, _ number: Int) {
    guard let context, intake.answerNumber == number else { return }
    timers.disarm(self)
    guard isWhole else { return }
    switch intake.answerWritten() {
    case .close:
      context.close(mode: .output, promise: nil)
      deadline = .now() + Self.lingerTime
      startTimer()
    case .next(let action):
      let configuration = channel.opening.configuration
      startTimer(seconds: intake.isIdle ? configuration.httpIdleSeconds : configuration.handshakeTimeoutSeconds)
      perform(action, context)
      context.fireChannelReadComplete()
      readOn(context)
    }
  }

  private func readOn(_ context: ChannelHandlerContext) {
    guard isReadPending, !intake.hasEnough else { return }
    isReadPending = false
    context.read()
  }

  func abandonAnswer(_ number: Int) {
    guard intake.answerNumber == number else { return }
    context?.close(promise: nil)
  }
}

extension HTTPRequestHead {
  fileprivate init(_ head: PlainRequestHead) {
    self.init(
      version: .http1_1, method: HTTPMethod(rawValue: head.method), uri: head.target,
      headers: HTTPHeaders(head.fields.map { ($0.name, $0.value) }))
  }
}

extension ConnectionConfiguration {
  fileprivate var intakeLimits: RequestIntake.Limits {
    RequestIntake.Limits(
      headerBytesMax: headerBytesMax, headerFieldsMax: headerFieldsMax, requestsMax: httpRequestsPerConnectionMax)
  }
}

extension OpeningHandshakeResponse {
  /// The status line and the header fields (RFC 6455 §4.2.2).
  fileprivate var head: ByteBuffer {
    var bytes = ByteBuffer()
    bytes.reserveCapacity(256)
    bytes.writeStaticString("HTTP/1.1 101 Switching Protocols\r\n")
    for header in headers {
      bytes.writeString(header.name)
      bytes.writeStaticString(": ")
      bytes.writeString(header.value)
      bytes.writeStaticString("\r\n")
    }
    bytes.writeStaticString("\r\n")
    return bytes
  }
}

extension OpeningHandshakeRejection {
  /// A TLS client does not read it as text. A person who looks at the bytes does, and every client notices that it is
  /// not TLS.
  fileprivate static let tlsOnPlainPort = OpeningHandshakeRejection(
    status: 400, "this port speaks no TLS: use http:// and ws://")
}

extension ByteBuffer {
  /// A handshake record of any version (RFC 8446 §5.1); HTTP begins with a letter.
  fileprivate var beginsTLS: Bool {
    getInteger(at: readerIndex, as: UInt8.self) == 22
      && [nil, 3].contains(getInteger(at: readerIndex + 1, as: UInt8.self))
  }
}
