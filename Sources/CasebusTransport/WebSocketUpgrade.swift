public import CasebusWebSocket
import NIOCore
import NIOHTTP1

/// Turns an HTTP connection into a WebSocket connection where its first request is a good opening handshake.
struct WebSocketUpgrade<Acceptor: WebSocketAcceptor, Result: Sendable>: NIOTypedHTTPServerProtocolUpgrader {
  let acceptor: Acceptor
  let handshake: OpeningHandshake
  let configuration: ConnectionConfiguration
  /// What the upgraded channel counts as.
  let result: Result

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
      let (ticket, _) = try check(upgradeRequest)
      try channel.syncOptions?.setOption(.writeBufferWaterMark, value: configuration.waterMark)
      let handler = WebSocketHandler(
        connection: WebSocketConnection(role: .server, limits: configuration.limits), configuration: configuration)
      try channel.pipeline.syncOperations.addHandler(handler)
      handler.open(acceptor.open(ticket, handler, on: channel.eventLoop))
      return result
    }
  }

  private func check(
    _ request: HTTPRequestHead
  ) throws(OpeningHandshakeRejection) -> (Acceptor.Ticket, OpeningHandshakeResponse) {
    let headers = request.headers.lazy.map { (name: $0.name, value: $0.value) }
    return try handshake.check(method: request.method.rawValue, target: request.uri, headers: headers, with: acceptor)
  }
}

extension OpeningHandshake {
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
