public import CasebusWebSocket
public import HummingbirdCore
public import Logging
public import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The channel of one accepted connection: HTTP/1.1, which either becomes a WebSocket connection with its first request or
/// is answered by Hummingbird.
///
/// After the upgrade all HTTP handlers have left the pipeline, and no task belongs to the connection, so that an idle
/// one stays small.
public struct UpgradingChannel<Acceptor: WebSocketAcceptor>: ServerChildChannel, HTTPChannelHandler {
  /// A connection whose first request has perhaps not come yet.
  public struct Value: ServerChildChannelValue {
    public let channel: any Channel
    let outcome: EventLoopFuture<Outcome>
  }

  /// What the first request made of the connection.
  enum Outcome: Sendable {
    case http(HTTP1Channel.Value)
    /// It lives in its channel alone from now on.
    case webSocket
  }

  public let responder: HTTPChannelHandler.Responder
  private let acceptor: Acceptor
  private let handshake: OpeningHandshake
  private let configuration: ConnectionConfiguration

  public init(
    responder: @escaping HTTPChannelHandler.Responder, acceptor: Acceptor, handshake: OpeningHandshake,
    configuration: ConnectionConfiguration
  ) {
    self.responder = responder
    self.acceptor = acceptor
    self.handshake = handshake
    self.configuration = configuration
  }

  public func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      let upgrade = WebSocketUpgrade(
        acceptor: acceptor, handshake: handshake, configuration: configuration, result: Outcome.webSocket)
      var pipeline = NIOUpgradableHTTPServerPipelineConfiguration<Outcome>(
        upgradeConfiguration: NIOTypedHTTPServerUpgradeConfiguration(upgraders: [upgrade]) { channel in
          channel.eventLoop.makeCompletedFuture { try configureHTTP(channel, logger) }
        })
      pipeline.enablePipelining = false
      let outcome = try channel.pipeline.syncOperations.configureUpgradableHTTPServerPipeline(configuration: pipeline)
      return Value(channel: channel, outcome: outcome)
    }
  }

  public func handle(value: Value, logger: Logger) async {
    guard case .http(let channel) = try? await value.outcome.get() else { return }
    await handleHTTP(asyncChannel: channel, logger: logger)
  }

  private func configureHTTP(_ channel: any Channel, _ logger: Logger) throws -> Outcome {
    try channel.pipeline.syncOperations.addHandler(HTTP1ToHTTPServerCodec(secure: false))
    try channel.pipeline.syncOperations.addHandler(
      HTTPConnectionStateHandler(idleTimeout: .seconds(configuration.handshakeTimeoutSeconds), logger: logger))
    let asyncChannel = try NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(
      wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    return .http(asyncChannel)
  }
}
