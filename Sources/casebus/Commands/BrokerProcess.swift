import CasebusJournal
import CasebusSQLite
import CasebusServer
import CasebusTLS
import CasebusTransport
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
  /// - Throws: ``CommandFailure`` if a certificate is not good, the journal cannot be opened or a port cannot be listened on.
  func run(
    tls configuration: TLSListenerConfiguration?, companions: [any Service] = [],
    onListening: @escaping @Sendable (BrokerAddresses) async -> Void
  ) async throws {
    FileLimit.raise()
    FileLimit.surviveFileSize()
    let tls = try configuration.map { try reloadingTLS($0) }
    let clock = BrokerClock()
    let file = try options.journal.openFile(logger, clock)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: UsableCores.count)
    let server = BrokerServer(
      configuration: options.configuration, tls: tls, journal: file ?? MemoryJournal(), group: group,
      instance: Self.randomInstance(), logger: logger, clock: clock
    ) { await onListening(BrokerAddresses($0)) }
    let hangup = tls.map { [ReloadOnHangup(tls: $0)] } ?? []
    let services = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: ([server] + hangup + companions).map(Self.stoppingAll), gracefulShutdownSignals: [.sigterm, .sigint],
        logger: logger))
    do {
      defer { file?.shutDown() }
      try await services.run()
    } catch let error as ListenError {
      throw CommandFailure("cannot listen on \(error.address): \(systemText(ofError: error.errnoCode))")
    }
    try await group.shutdownGracefully()
  }

  private func reloadingTLS(_ configuration: TLSListenerConfiguration) throws(CommandFailure) -> ReloadingTLS {
    do throws(TLSConfigurationError) {
      return try ReloadingTLS(configuration, logger: logger)
    } catch {
      throw CommandFailure("\(error)")
    }
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

/// Reads the certificates anew on SIGHUP.
private struct ReloadOnHangup: Service {
  let tls: ReloadingTLS

  func run() async throws {
    for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() { tls.reload() }
  }
}
