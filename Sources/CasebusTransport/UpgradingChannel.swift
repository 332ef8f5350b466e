import CasebusWebSocket
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The channel of one accepted connection: HTTP/1.1 until a valid opening handshake makes it a WebSocket connection.
///
/// ``OpeningReader`` reads its requests. A request that it leaves to the HTTP pipeline is the last one of the
/// connection: an opening handshake of an unusual form, or a request that Hummingbird answers.
///
/// After the upgrade no HTTP handler is in the pipeline and no task belongs to the connection, so that an idle
/// connection takes little memory.
struct UpgradingChannel<Acceptor: WebSocketAcceptor>: Sendable {
  /// What became of a connection whose request went to the HTTP pipeline.
  enum Outcome: Sendable {
    case http(HTTP1Channel.Value)
    /// A WebSocket connection; only its channel keeps it alive.
    case webSocket
  }

  let opening: WebSocketOpening<Acceptor>
  private let connections: ServerConnections
  private let tls: ListenerTLS?
  private let logger: Logger
  let onHTTP: @Sendable (PlainWork) -> Void

  /// - Parameters:
  ///   - connections: what all listeners of the server share.
  ///   - tls: nil for connections that are not encrypted.
  ///   - onHTTP: answers, in a task, a request that is not a valid opening handshake.
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
    // NIO closes the channel if this fails.
    if case .dropped = admission { throw ChannelError.ioOnClosedChannel }
    try tls?.add(
      to: channel, timers: opening.timers.value(on: channel.eventLoop),
      counter: opening.counters.value(on: channel.eventLoop))
    switch admission {
    case .dropped: break
    case .welcome: try channel.pipeline.syncOperations.addHandler(OpeningReader(self, on: channel.eventLoop))
    case .refused(let refusal):
      let deadline = NIODeadline.now() + .seconds(Int64(opening.configuration.handshakeTimeoutSeconds))
      try configureHTTP(channel, deadline: deadline, refusal: refusal)
    }
  }

  /// A client speaks TLS to a listener without TLS.
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

  /// The answer to a valid opening handshake was sent.
  func upgrade(_ admission: WebSocketOpening<Acceptor>.Admission, _ channel: any Channel) throws {
    connections.census.upgraded(channel)
    try opening.open(admission, in: channel)
  }

  /// Prepares a channel for an HTTP request that can still be an opening handshake.
  /// - Parameters:
  ///   - deadline: when the request must be complete.
  ///   - refusal: the answer to every request; nil if the connection is accepted.
  func configureHTTP(_ channel: any Channel, deadline: NIODeadline, refusal: OpeningHandshakeRejection?) throws {
    let pipeline = channel.pipeline.syncOperations
    let valve = InboundValve()
    try pipeline.addHandler(valve)
    let outcome = try pipeline.configureUpgradableHTTPServerPipeline(configuration: pipelineConfiguration)
    // Before the upgrade handler, so that the request of a refused connection stops here.
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

  /// The first request is complete.
  func removeHandshakeGuard<Acceptor: WebSocketAcceptor>(of: Acceptor.Type) throws {
    removeHandler(context: try context(handlerType: HandshakeGuard<Acceptor>.self), promise: nil)
  }
}

/// A plain request that a task answers.
enum PlainWork: Sendable {
  /// The connection stays open afterwards, if the answer allows it.
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
