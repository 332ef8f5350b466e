import CasebusWebSocket
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The channel of one accepted connection: HTTP/1.1, which becomes a WebSocket connection with a good opening handshake.
///
/// Its requests are read by ``OpeningReader``. What that leaves to the HTTP pipeline is the last request of the connection:
/// either an opening handshake of some unusual form, or answered by Hummingbird.
///
/// After the upgrade all HTTP handlers have left the pipeline, and no task belongs to the connection, so that an idle
/// one stays small.
struct UpgradingChannel<Acceptor: WebSocketAcceptor>: Sendable {
  /// What a request that was left to the HTTP pipeline made of the connection.
  enum Outcome: Sendable {
    case http(HTTP1Channel.Value)
    /// It lives in its channel alone from now on.
    case webSocket
  }

  let opening: WebSocketOpening<Acceptor>
  private let connections: ServerConnections
  private let tls: ListenerTLS?
  private let logger: Logger
  let onHTTP: @Sendable (PlainWork) -> Void

  /// - Parameters:
  ///   - connections: what this listener has in common with the others of the server.
  ///   - tls: nil for connections that are not encrypted.
  ///   - onHTTP: gets what is no good opening handshake, to be answered by a task.
  init(
    acceptor: Acceptor, connections: ServerConnections, tls: ListenerTLS?, logger: Logger,
    onHTTP: @escaping @Sendable (PlainWork) -> Void
  ) {
    opening = WebSocketOpening(acceptor: acceptor, connections: connections, hasTLS: tls != nil)
    self.connections = connections
    self.tls = tls
    self.logger = logger
    self.onHTTP = onHTTP
  }

  /// A connection was accepted.
  func begin(_ channel: any Channel) throws {
    let admission = connections.census.admit(channel)
    log(admission)
    // NIO closes a channel that it cannot prepare.
    if case .dropped = admission { throw ChannelError.ioOnClosedChannel }
    try tls?.add(to: channel, timers: opening.timers.value(on: channel.eventLoop))
    switch admission {
    case .dropped: break
    case .welcome: try channel.pipeline.syncOperations.addHandler(OpeningReader(self, on: channel.eventLoop))
    case .refused(let refusal):
      let deadline = NIODeadline.now() + .seconds(Int64(opening.configuration.handshakeTimeoutSeconds))
      try configureHTTP(channel, deadline: deadline, refusal: refusal)
    }
  }

  /// A client speaks TLS although this listener does not.
  func tlsOnPlainPort(_ channel: any Channel) {
    logger.info(
      "a client speaks TLS to the port without TLS",
      metadata: ["from": "\(channel.remoteAddress?.description ?? "unknown")"])
  }

  private func log(_ admission: ConnectionCensus.Admission) {
    switch admission {
    case .welcome: break
    case .refused(.stopping), .dropped(.stopping): break
    case .refused(let refusal), .dropped(let refusal): connections.refusals.refused(refusal.reason, logger)
    }
  }

  /// The answer to a good opening handshake was sent.
  func upgrade(_ admission: WebSocketOpening<Acceptor>.Admission, _ channel: any Channel) throws {
    connections.census.upgraded(channel)
    try opening.open(admission, in: channel)
  }

  /// Prepares a channel for an HTTP request that may still ask for a WebSocket connection.
  /// - Parameters:
  ///   - deadline: until when the request must be whole.
  ///   - refusal: what every request is answered with; nil if the connection is welcome.
  func configureHTTP(_ channel: any Channel, deadline: NIODeadline, refusal: OpeningHandshakeRejection?) throws {
    let pipeline = channel.pipeline.syncOperations
    let valve = InboundValve()
    try pipeline.addHandler(valve)
    let outcome = try pipeline.configureUpgradableHTTPServerPipeline(configuration: pipelineConfiguration)
    // Before the upgrade handler, so that a refused connection's request goes no further.
    try pipeline.addHandler(
      HandshakeGuard(opening, deadline: deadline, refusal: refusal, valve: valve, on: channel.eventLoop),
      position: .before(pipeline.handler(type: NIOTypedHTTPServerUpgradeHandler<Outcome>.self)))
    outcome.whenSuccess { [onHTTP] in
      if case .http(let connection) = $0 { onHTTP(.lastRequest(connection)) }
    }
  }

  private var pipelineConfiguration: NIOUpgradableHTTPServerPipelineConfiguration<Outcome> {
    var pipeline = NIOUpgradableHTTPServerPipelineConfiguration<Outcome>(
      upgradeConfiguration: NIOTypedHTTPServerUpgradeConfiguration(upgraders: [WebSocketUpgrade(channel: self)]) {
        channel in channel.eventLoop.makeCompletedFuture { try leaveToHummingbird(channel) }
      })
    pipeline.enablePipelining = false
    pipeline.enableErrorHandling = false
    pipeline.decoderConfiguration.maxHeaderFieldSize = opening.configuration.headerBytesMax
    pipeline.decoderConfiguration.maxHeaderListSize = opening.configuration.headerBytesMax
    pipeline.decoderConfiguration.maxHeaderFieldCount = opening.configuration.headerFieldsMax
    return pipeline
  }

  private func leaveToHummingbird(_ channel: any Channel) throws -> Outcome {
    let pipeline = channel.pipeline.syncOperations
    try pipeline.removeHandshakeGuard(of: Acceptor.self)
    try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: tls != nil))
    try pipeline.addHandler(
      HTTPConnectionStateHandler(
        idleTimeout: .seconds(opening.configuration.handshakeTimeoutSeconds), logger: logger))
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

/// A plain request that a task answers.
enum PlainWork: Sendable {
  /// The connection stays open afterwards, if it may.
  case exchange(PlainExchange)
  /// The connection ends afterwards.
  case lastRequest(HTTP1Channel.Value)

  /// Ends the connection without an answer.
  func abandon() {
    switch self {
    case .exchange(let exchange): exchange.abandon()
    case .lastRequest(let connection): connection.channel.close(promise: nil)
    }
  }
}
