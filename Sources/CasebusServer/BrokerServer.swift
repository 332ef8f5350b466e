import CasebusBroker
package import CasebusJournal
package import CasebusTransport
import CasebusWebSocket
import CasebusWorkspace
import HummingbirdCore
package import Logging
package import NIOCore
import ServiceLifecycle

/// A broker that listens on a port: WebSocket sessions at `/v2`, a page at `/` (Protocol §2).
///
/// ``run()`` serves until the service group shuts it down gracefully: the listener closes, earlier messages are
/// answered, every session gets a close frame, and after `drainSeconds` at the latest it returns.
package struct BrokerServer: Service {
  private let configuration: BrokerServerConfiguration
  private let tls: ReloadingTLS?
  private let broker: Broker
  private let group: any EventLoopGroup
  private let logger: Logger
  private let readiness: Readiness
  private let connections: ServerConnections
  private let onListening: @Sendable (ListeningAddresses) async -> Void

  /// - Parameters:
  ///   - tls: nil for a server without TLS.
  ///   - group: the event loops to work on.
  ///   - instance: a text that is unique for this run of the broker.
  ///   - clock: the time; the journal must use the same clock.
  ///   - onListening: called once, when clients can connect, with the addresses.
  package init(
    configuration: BrokerServerConfiguration, tls: ReloadingTLS? = nil, journal: any EventJournal,
    group: any EventLoopGroup, instance: String, logger: Logger, clock: BrokerClock = BrokerClock(),
    onListening: @escaping @Sendable (ListeningAddresses) async -> Void
  ) {
    precondition(configuration.port != nil || tls != nil, "a server listens")
    self.configuration = configuration
    self.tls = tls
    self.group = group
    self.logger = logger
    self.onListening = onListening
    readiness = Readiness(journal: journal)
    connections = ServerConnections(configuration.connection)
    broker = Broker(
      group: group, journal: journal, configuration: configuration.broker, logger: logger, instance: instance,
      now: { Timestamp(milliseconds: clock.milliseconds) })
  }

  package func run() async throws {
    // Services are stopped in reverse order: first no new connections, then the sessions.
    let services: [any Service] = [MemoryTrim(), drain] + listeners + certificateWatch
    let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: services, logger: logger))
    try await withGracefulShutdownHandler {
      try await group.run()
    } onGracefulShutdown: {
      readiness.end()
    }
  }

  /// The statistics of the connections of all listeners.
  package func transportStatistics() async -> TransportStatistics { await connections.statistics() }

  /// Applies what can change while the server runs: how many connections may be open.
  package func reload(_ configuration: BrokerServerConfiguration) {
    connections.setLimits(ConnectionCountLimits(configuration.connection))
  }

  private var drain: some Service {
    BrokerDrain(broker: broker, seconds: configuration.drainSeconds)
  }

  private var certificateWatch: [any Service] {
    tls.map { [CertificateWatch(tls: $0)] } ?? []
  }

  private var listeners: [any Service] {
    let addresses = AwaitedAddresses(plain: configuration.port != nil, tls: tls != nil, onListening)
    let plain = configuration.port.map { port in
      listener(port, nil) { await addresses.plain($0) }
    }
    let secure = tls.map { tls in
      listener(tls.configuration.port, tls.listener) { await addresses.tls($0) }
    }
    return [plain, secure].compactMap(\.self)
  }

  private func listener(
    _ port: Int, _ tls: ListenerTLS?,
    onListening: @escaping @Sendable ([SocketAddress]) async -> Void
  ) -> any Service {
    let acceptor = SessionAcceptor(broker: broker, policy: AdmissionPolicy())
    let routes = routes(acceptor)
    return WebSocketListener(
      host: configuration.host, port: port, acceptor: acceptor,
      responder: { await routes.respond(to: $0, from: $1) },
      connections: connections, tls: tls, group: group, logger: logger, onListening: onListening)
  }

  private func routes(_ acceptor: SessionAcceptor) -> HTTPRoutes {
    var routes = HTTPRoutes(policy: acceptor.policy, logger: logger)
    let handshake = OpeningHandshake(configuration.connection)
    routes.add(Endpoints(acceptor: acceptor, handshake: handshake, readiness: readiness).routes)
    return routes
  }
}

/// Where clients can connect; there is at least one address.
package struct ListeningAddresses: Hashable, Sendable {
  package internal(set) var plain: [SocketAddress] = []
  package internal(set) var tls: [SocketAddress] = []
}

/// Waits until all listeners accept connections.
private actor AwaitedAddresses {
  private var missing: Int
  private var addresses = ListeningAddresses()
  private let onListening: @Sendable (ListeningAddresses) async -> Void

  init(plain: Bool, tls: Bool, _ onListening: @escaping @Sendable (ListeningAddresses) async -> Void) {
    missing = (plain ? 1 : 0) + (tls ? 1 : 0)
    self.onListening = onListening
  }

  func plain(_ plain: [SocketAddress]) async {
    addresses.plain = plain
    await arrived()
  }

  func tls(_ tls: [SocketAddress]) async {
    addresses.tls = tls
    await arrived()
  }

  private func arrived() async {
    missing -= 1
    if missing == 0 { await onListening(addresses) }
  }
}
