public import CasebusWebSocket
import NIOCore
import NIOHTTP1

/// Turns an HTTP connection into a WebSocket connection where its first request is a good opening handshake.
struct WebSocketUpgrade<Acceptor: WebSocketAcceptor, Result: Sendable>: NIOTypedHTTPServerProtocolUpgrader {
  private let acceptor: Acceptor
  private let handshake: OpeningHandshake
  private let configuration: ConnectionConfiguration
  private let deflaters: LoopDeflaters?
  private let backlog: OutboundBacklog
  /// What the upgraded channel counts as.
  private let result: Result

  init(acceptor: Acceptor, configuration: ConnectionConfiguration, result: Result) {
    self.acceptor = acceptor
    self.configuration = configuration
    self.result = result
    handshake = OpeningHandshake(configuration)
    deflaters = configuration.deflate.map(LoopDeflaters.init)
    backlog = OutboundBacklog(bytesMax: configuration.outboundTotalBytesMax)
  }

  var supportedProtocol: String { "websocket" }
  // All headers are checked by OpeningHandshake, with an answer that says what is wrong.
  var requiredUpgradeHeaders: [String] { [] }

  func buildUpgradeResponse(
    channel: any Channel, upgradeRequest: HTTPRequestHead, initialResponseHeaders: HTTPHeaders
  ) -> EventLoopFuture<HTTPHeaders> {
    channel.eventLoop.makeCompletedFuture {
      let (_, response) = try check(upgradeRequest)
      return HTTPHeaders(response.headers.map { ($0.name, $0.value) })
    }
  }

  func upgrade(channel: any Channel, upgradeRequest: HTTPRequestHead) -> EventLoopFuture<Result> {
    channel.eventLoop.makeCompletedFuture {
      let (ticket, response) = try check(upgradeRequest)
      let compression = response.deflate.flatMap { deflaters?.compression(for: $0) }
      let handler = WebSocketHandler(
        connection: WebSocketConnection(role: .server, limits: configuration.limits, compression: compression),
        configuration: configuration, backlog: backlog)
      let pipeline = channel.pipeline.syncOperations
      try pipeline.removeHandshakeGuard()
      try pipeline.addHandler(handler)
      handler.open(acceptor.open(ticket, handler, on: channel.eventLoop))
      return result
    }
  }

  private func check(
    _ request: HTTPRequestHead
  ) throws(OpeningHandshakeRejection) -> (Acceptor.Ticket, OpeningHandshakeResponse) {
    guard request.version == .http1_1 else { throw .oldHTTP }
    let headers = request.headers.lazy.map { (name: $0.name, value: $0.value) }
    return try handshake.check(method: request.method.rawValue, target: request.uri, headers: headers, with: acceptor)
  }
}

extension OpeningHandshakeRejection {
  /// RFC 6455 §4.2.1: the request is of HTTP/1.1 or higher.
  public static let oldHTTP = OpeningHandshakeRejection(status: 400, "a WebSocket connection needs HTTP/1.1")
}

extension OpeningHandshake {
  /// What a server with this configuration agrees to.
  public init(_ configuration: ConnectionConfiguration) {
    self.init(deflate: configuration.deflate?.policy)
  }

  /// Checks an opening handshake first by the RFC, then by what the acceptor takes.
  /// - Throws: the answer to give instead of 101, which the HTTP endpoint at the same target gives.
  public func check<Acceptor: WebSocketAcceptor>(
    method: String, target: String, headers: some Sequence<(name: String, value: String)>, with acceptor: Acceptor
  ) throws(OpeningHandshakeRejection) -> (Acceptor.Ticket, OpeningHandshakeResponse) {
    switch requestReceived(method: method, target: target, headers: headers) {
    case .accept(let response): (try acceptor.admit(target: target), response)
    case .reject(let rejection): throw rejection
    }
  }
}
