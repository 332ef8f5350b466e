import CasebusWebSocket
import NIOCore
import NIOHTTP1

/// Checks a connection until its first request is complete: it answers invalid HTTP and invalid opening handshakes, and
/// ends a connection that takes too long.
///
/// It leaves the pipeline when the request is passed on, to WebSocket or to HTTP.
final class HandshakeGuard<Acceptor: WebSocketAcceptor>: ChannelInboundHandler, RemovableChannelHandler, Timed {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  /// Set when the request is a valid opening handshake.
  private(set) var admission: WebSocketOpening<Acceptor>.Admission?
  private let opening: WebSocketOpening<Acceptor>
  var timerPlace: TimerWheel.Place?
  private let timers: TimerWheel
  /// The deadline for the complete request, or for the peer to read the answer.
  private var deadline: NIODeadline
  private var context: ChannelHandlerContext?
  private let refusal: OpeningHandshakeRejection?
  private let valve: InboundValve
  private var isHeadSeen = false
  /// RFC 9110 §9.3.2: the answer to such a request has no content, whatever its status.
  private var isHeadMethod = false
  private var hasAnswered = false

  /// How long a peer can take to read the refusal.
  private static var lingerTime: TimeAmount { .seconds(2) }

  /// - Parameters:
  ///   - deadline: when the first request must be complete.
  ///   - refusal: the answer to every request; nil if the connection is accepted.
  init(
    _ opening: WebSocketOpening<Acceptor>, deadline: NIODeadline, refusal: OpeningHandshakeRejection?,
    valve: InboundValve, on eventLoop: any EventLoop
  ) {
    timers = opening.timers.value(on: eventLoop)
    self.opening = opening
    self.deadline = deadline
    self.refusal = refusal
    self.valve = valve
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    startTimer()
    if let refusal, context.channel.isActive { answer(refusal, context) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timers.disarm(self)
    self.context = nil
  }

  private func startTimer() {
    timers.arm(self, at: Int64(deadline.uptimeNanoseconds))
  }

  func timeReached() {
    guard let context else { return }
    guard deadline <= .now() else { return startTimer() }
    guard !hasAnswered else { return context.close(promise: nil) }
    let seconds = opening.configuration.handshakeTimeoutSeconds
    answer(
      OpeningHandshakeRejection(
        status: 408, "the request was not complete within \(seconds) s (handshakeTimeoutSeconds)"), context)
  }

  func channelActive(context: ChannelHandlerContext) {
    if let refusal { answer(refusal, context) }
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !hasAnswered else { return }
    if !isHeadSeen, case .head(let head) = unwrapInboundIn(data) {
      headReceived(head, context)
    } else {
      context.fireChannelRead(data)
    }
  }

  /// Nothing is checked after the head: bytes behind a valid opening handshake are no longer HTTP.
  private func headReceived(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    isHeadSeen = true
    isHeadMethod = head.method == .HEAD
    guard head.hasOneHost else { return answer(.hostMissing, context) }
    guard head.asksForWebSocket else { return plainHeadReceived(head, context) }
    do throws(OpeningHandshakeRejection) {
      admission = try check(head, context.channel)
      context.fireChannelRead(wrapInboundOut(.head(head)))
    } catch {
      answer(error, context)
    }
  }

  /// HTTP answers one request per connection here. The decoder stops after a request for another protocol.
  private func plainHeadReceived(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    if head.method == .CONNECT || (head.asksForUpgrade && head.hasBody) {
      return answer(OpeningHandshakeRejection(status: 405, "this is no proxy"), context)
    }
    if head.asksForUpgrade { valve.close() }
    opening.counters.value(on: context.eventLoop).counts.plainRequests += 1
    context.fireChannelRead(wrapInboundOut(.head(head.asLastRequest)))
  }

  private func check(
    _ head: HTTPRequestHead, _ channel: any Channel
  ) throws(OpeningHandshakeRejection) -> WebSocketOpening<Acceptor>.Admission {
    guard head.version == .http1_1 else { throw .oldHTTP }
    guard !head.hasBody else { throw OpeningHandshakeRejection(status: 400, "an opening handshake has no body") }
    let headers = head.headers.lazy.map { (name: $0.name, value: $0.value) }
    return try opening.admit(method: head.method.rawValue, target: head.uri, headers: headers, from: channel)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is ChannelShouldQuiesceEvent: context.close(promise: nil)
    case ChannelEvent.inputClosed: context.close(promise: nil)
    case _: context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error {
    case HTTPParserError.headerOverflow:
      let limits = "\(opening.configuration.headerBytesMax) bytes, \(opening.configuration.headerFieldsMax) fields"
      answer(OpeningHandshakeRejection(status: 431, "the header is too large, allowed are \(limits)"), context)
    case is HTTPParserError:
      answer(OpeningHandshakeRejection(status: 400, "this is not valid HTTP/1.1: \(error)"), context)
    case _:
      context.close(promise: nil)
    }
  }

  private func answer(_ rejection: OpeningHandshakeRejection, _ context: ChannelHandlerContext) {
    guard !hasAnswered else { return }
    hasAnswered = true
    valve.close()
    // A refused connection was already counted by the census.
    if refusal == nil {
      opening.counters.value(on: context.eventLoop).counts.requestsRefused[rejection.status, default: 0] += 1
    }
    let body = ByteBuffer(string: rejection.reason + "\n")
    var head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: rejection.status))
    head.headers = [
      "Content-Type": "text/plain; charset=utf-8", "Content-Length": "\(body.readableBytes)", "Connection": "close",
    ]
    for header in rejection.headers { head.headers.add(name: header.name, value: header.value) }
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if !isHeadMethod { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
    context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
      context.close(mode: .output, promise: nil)
    }
    // Input is read to its end, because unread bytes could keep the peer from seeing the answer; but not for ever.
    deadline = .now() + Self.lingerTime
    startTimer()
  }
}

extension OpeningHandshakeRejection {
  fileprivate static let hostMissing = OpeningHandshakeRejection(status: 400, "exactly one Host header is needed")
}

extension HTTPRequestHead {
  /// RFC 9112 §3.2; HTTP/1.0 knows no Host.
  fileprivate var hasOneHost: Bool {
    let count = headers["host"].count
    return count == 1 || (count == 0 && (version.major, version.minor) < (1, 1))
  }

  fileprivate var asksForWebSocket: Bool {
    // The lengths first, because `==` normalizes texts that are not ASCII.
    headers[canonicalForm: "upgrade"].contains {
      $0.utf8.count == "websocket".utf8.count && $0.lowercased() == "websocket"
    }
  }

  fileprivate var hasBody: Bool {
    headers.contains(name: "transfer-encoding") || headers["content-length"].contains { $0 != "0" }
  }

  fileprivate var asksForUpgrade: Bool { headers.contains(name: "upgrade") }

  /// The request as the only one of its connection and without its wish for another protocol, which a server may ignore
  /// (RFC 9110 §7.8). NIO's upgrade handler would lose the request otherwise.
  fileprivate var asLastRequest: HTTPRequestHead {
    var head = self
    head.headers.remove(name: "upgrade")
    head.headers.replaceOrAdd(name: "connection", value: "close")
    return head
  }
}
