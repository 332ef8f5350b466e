import CasebusJournal
import CasebusSQLite
import CasebusServer
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// A broker as the main job of this process.
struct BrokerProcess {
  private let options: ServerOptions
  private let logger: Logger

  init(_ options: ServerOptions) {
    self.options = options
    var logger = Logger(label: "casebus", factory: { StreamLogHandler.standardError(label: $0) })
    logger.logLevel = options.logLevel
    self.logger = logger
  }

  /// Serves until SIGTERM or SIGINT.
  /// - Parameters:
  ///   - companions: services that run beside the broker, and are stopped before it; when one ends, all end.
  ///   - onListening: called once, when clients can connect.
  /// - Throws: ``CommandFailure`` if the journal cannot be opened or the port cannot be listened on.
  func run(
    companions: [any Service] = [], onListening: @escaping @Sendable (ListeningAddress) async -> Void
  ) async throws {
    FileLimit.raise()
    FileLimit.surviveFileSize()
    let file = try options.journal.openFile(logger)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: UsableCores.count)
    let server = BrokerServer(
      configuration: options.configuration, journal: file ?? MemoryJournal(), group: group,
      instance: Self.randomInstance(),
      logger: logger
    ) { await onListening(ListeningAddress($0)) }
    let services = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: ([server] + companions).map(Self.stoppingAll), gracefulShutdownSignals: [.sigterm, .sigint],
        logger: logger))
    do {
      defer { file?.shutDown() }
      try await services.run()
    } catch let error as IOError {
      throw CommandFailure("cannot listen on \(options.host):\(options.port): \(systemText(ofError: error.errnoCode))")
    }
    try await group.shutdownGracefully()
  }

  /// However a service ends, the others are given the time to end well.
  private static func stoppingAll(_ service: any Service) -> ServiceGroupConfiguration.ServiceConfiguration {
    ServiceGroupConfiguration.ServiceConfiguration(
      service: service, successTerminationBehavior: .gracefullyShutdownGroup,
      failureTerminationBehavior: .gracefullyShutdownGroup)
  }

  private static func randomInstance() -> String {
    String(UInt64.random(in: .min ... .max), radix: 36)
  }
}

/// Where clients can connect.
struct ListeningAddress {
  let host: String
  let port: Int

  init(_ address: SocketAddress) {
    host = address.ipAddress ?? "127.0.0.1"
    port = address.port ?? 0
  }

  var webSocketURL: String { "ws://\(authority)/v2" }
  var pageURL: String { "http://\(authority)/" }

  private var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
