import CasebusBroker
public import CasebusJournal
import CasebusTransport
import CasebusWebSocket
import CasebusWorkspace
import Hummingbird
import HummingbirdCore
public import Logging
public import NIOCore
public import ServiceLifecycle

/// A broker that listens on a port: WebSocket sessions at `/v2`, a page at `/` (Protocol §2).
///
/// ``run()`` serves until the service group shuts it down gracefully: the listener closes, what was asked is answered, every
/// session gets a close frame, and after `drainSeconds` at the latest it returns.
public struct BrokerServer: Service {
  private let configuration: BrokerServerConfiguration
  private let broker: Broker
  private let group: any EventLoopGroup
  private let logger: Logger
  private let readiness: Readiness
  private let onListening: @Sendable (SocketAddress) async -> Void

  /// - Parameters:
  ///   - group: the event loops to work on.
  ///   - instance: a text that no other run of a broker has.
  ///   - onListening: called once, when clients can connect, with the address that is listened on.
  public init(
    configuration: BrokerServerConfiguration, journal: any EventJournal, group: any EventLoopGroup, instance: String,
    logger: Logger, onListening: @escaping @Sendable (SocketAddress) async -> Void
  ) {
    self.configuration = configuration
    self.group = group
    self.logger = logger
    self.onListening = onListening
    readiness = Readiness(journal: journal)
    broker = Broker(
      group: group, journal: journal, configuration: configuration.broker, logger: logger, instance: instance,
      now: { .now })
  }

  public func run() async throws {
    // Services are stopped in reverse order: first no new connections, then the sessions.
    let services: [any Service] = [MemoryTrim(), drain, listener]
    let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: services, logger: logger))
    try await withGracefulShutdownHandler {
      try await group.run()
    } onGracefulShutdown: {
      readiness.end()
    }
  }

  private var drain: some Service {
    BrokerDrain(broker: broker, seconds: configuration.drainSeconds)
  }

  private var listener: some Service {
    let acceptor = SessionAcceptor(broker: broker)
    let handshake = OpeningHandshake(configuration.connection)
    let endpoints = Endpoints(acceptor: acceptor, handshake: handshake, readiness: readiness)
    return WebSocketListener(
      host: configuration.host, port: configuration.port, acceptor: acceptor,
      responder: endpoints.router.httpResponder(logger), configuration: configuration.connection, group: group,
      logger: logger, onListening: onListening)
  }
}
