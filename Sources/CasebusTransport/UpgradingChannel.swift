import CasebusWebSocket
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
  private let upgrade: WebSocketUpgrade<Acceptor, Outcome>
  private let acceptor: Acceptor
  private let handshake: OpeningHandshake
  private let connections: ServerConnections
  private let tls: ListenerTLS?

  /// - Parameters:
  ///   - responder: answers what is not upgraded.
  ///   - acceptor: takes what is.
  ///   - connections: what this listener has in common with the others of the server.
  ///   - tls: nil for connections that are not encrypted.
  public init(
    responder: @escaping HTTPChannelHandler.Responder, acceptor: Acceptor, connections: ServerConnections,
    tls: ListenerTLS? = nil
  ) {
    self.responder = responder
    self.acceptor = acceptor
    self.connections = connections
    self.tls = tls
    handshake = OpeningHandshake(connections.configuration)
    upgrade = WebSocketUpgrade(acceptor: acceptor, connections: connections, hasTLS: tls != nil, result: .webSocket)
  }

  private var configuration: ConnectionConfiguration { connections.configuration }

  public func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      var refusal: OpeningHandshakeRejection?
      do throws(OpeningHandshakeRejection) { try connections.census.admit(channel) } catch { refusal = error }
      try tls?.add(to: channel)
      let pipeline = channel.pipeline.syncOperations
      let valve = InboundValve()
      try pipeline.addHandler(valve)
      let outcome = try pipeline.configureUpgradableHTTPServerPipeline(configuration: pipelineConfiguration(logger))
      // Before the upgrade handler, so that a refused connection's request goes no further.
      try pipeline.addHandler(
        HandshakeGuard(acceptor, handshake, configuration, refusal: refusal, valve: valve),
        position: .before(pipeline.handler(type: NIOTypedHTTPServerUpgradeHandler<Outcome>.self)))
      return Value(channel: channel, outcome: outcome)
    }
  }

  public func handle(value: Value, logger: Logger) async {
    guard case .http(let channel) = try? await value.outcome.get() else { return }
    await handleHTTP(asyncChannel: channel, logger: logger)
  }

  private func pipelineConfiguration(_ logger: Logger) -> NIOUpgradableHTTPServerPipelineConfiguration<Outcome> {
    var pipeline = NIOUpgradableHTTPServerPipelineConfiguration<Outcome>(
      upgradeConfiguration: NIOTypedHTTPServerUpgradeConfiguration(upgraders: [upgrade]) { channel in
        channel.eventLoop.makeCompletedFuture { try configureHTTP(channel, logger) }
      })
    pipeline.enablePipelining = false
    pipeline.enableErrorHandling = false
    pipeline.decoderConfiguration.maxHeaderFieldSize = configuration.headerBytesMax
    pipeline.decoderConfiguration.maxHeaderListSize = configuration.headerBytesMax
    pipeline.decoderConfiguration.maxHeaderFieldCount = configuration.headerFieldsMax
    return pipeline
  }

  private func configureHTTP(_ channel: any Channel, _ logger: Logger) throws -> Outcome {
    let pipeline = channel.pipeline.syncOperations
    try pipeline.removeHandshakeGuard(of: Acceptor.self)
    try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: tls != nil))
    try pipeline.addHandler(
      HTTPConnectionStateHandler(idleTimeout: .seconds(configuration.handshakeTimeoutSeconds), logger: logger))
    return .http(
      try NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(
        wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true)))
  }
}

extension ChannelPipeline.SynchronousOperations {
  /// The connection is a WebSocket connection from now on.
  func removeInboundValve() throws {
    removeHandler(context: try context(handlerType: InboundValve.self), promise: nil)
  }

  /// The first request is whole.
  func removeHandshakeGuard<Acceptor: WebSocketAcceptor>(of: Acceptor.Type) throws {
    removeHandler(context: try context(handlerType: HandshakeGuard<Acceptor>.self), promise: nil)
  }
}
