package import CasebusWebSocket
import NIOCore
import NIOHTTP1

/// Turns an HTTP connection into a WebSocket connection if its ``HandshakeGuard`` found a valid opening handshake.
struct WebSocketUpgrade<Acceptor: WebSocketAcceptor>: NIOTypedHTTPServerProtocolUpgrader {
  let channel: UpgradingChannel<Acceptor>

  var supportedProtocol: String { "websocket" }
  // The guard has checked all headers.
  var requiredUpgradeHeaders: [String] { [] }

  func buildUpgradeResponse(
    channel: any Channel, upgradeRequest: HTTPRequestHead, initialResponseHeaders: HTTPHeaders
  ) -> EventLoopFuture<HTTPHeaders> {
    channel.eventLoop.makeCompletedFuture {
      let response = try admission(to: channel).response
      return HTTPHeaders(response.headers.map { ($0.name, $0.value) })
    }
  }

  func upgrade(
    channel: any Channel, upgradeRequest: HTTPRequestHead
  ) -> EventLoopFuture<UpgradingChannel<Acceptor>.Outcome> {
    channel.eventLoop.makeCompletedFuture {
      let admission = try admission(to: channel)
      let pipeline = channel.pipeline.syncOperations
      try pipeline.removeHandshakeGuard(of: Acceptor.self)
      try pipeline.removeInboundValve()
      try self.channel.upgrade(admission, channel)
      return .webSocket
    }
  }

  private func admission(to channel: any Channel) throws -> WebSocketOpening<Acceptor>.Admission {
    let handshakeGuard = try channel.pipeline.syncOperations.handler(type: HandshakeGuard<Acceptor>.self)
    guard let admission = handshakeGuard.admission else { throw ChannelError.inappropriateOperationForState }
    return admission
  }
}

extension OpeningHandshakeRejection {
  /// RFC 6455 §4.2.1: the request is of HTTP/1.1 or higher.
  package static let oldHTTP = OpeningHandshakeRejection(status: 400, "a WebSocket connection needs HTTP/1.1")
}

extension OpeningHandshake {
  /// The extensions that a server with this configuration accepts.
  package init(_ configuration: ConnectionConfiguration) {
    self.init(deflate: configuration.deflate?.policy)
  }

  /// Checks an opening handshake first by the RFC, then with the acceptor.
  /// - Throws: the answer to give instead of 101; the HTTP endpoint at the same target gives it.
  package func check<Acceptor: WebSocketAcceptor>(
    _ request: OpeningRequest, with acceptor: Acceptor
  ) throws(OpeningHandshakeRejection) -> (Acceptor.Ticket, OpeningHandshakeResponse) {
    switch requestReceived(request) {
    case .accept(let response): (try acceptor.admit(request), response)
    case .reject(let rejection): throw rejection
    }
  }
}
