import CasebusConsole
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
    var logger = Logger.standardError()
    logger.logLevel = options.logLevel
    self.logger = logger
  }

  /// Serves until SIGTERM or SIGINT.
  /// - Parameters:
  ///   - companions: services that run beside the broker, and are stopped before it; when one ends, all end.
  ///   - onListening: called once, when clients can connect; where it throws, the broker is stopped.
  /// - Throws: what `onListening` throws; ``CommandFailure`` if a certificate is not good, the journal cannot be opened or a port cannot be listened on.
  func run(
    tls configuration: TLSListenerConfiguration?, companions: [any Service] = [],
    onListening: @escaping @Sendable (BrokerAddresses) throws -> Void
  ) async throws {
    let serverConfiguration = configurationWithinFiles()
    FileLimit.surviveFileSize()
    let tls = try configuration.map { try reloadingTLS($0) }
    let clock = BrokerClock()
    let file = try options.journal.openFile(logger, clock)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: UsableCores.count)
    let (listening, continuation) = AsyncStream.makeStream(of: BrokerAddresses.self)
    let server = BrokerServer(
      configuration: serverConfiguration, tls: tls, journal: file ?? MemoryJournal(), group: group,
      instance: Self.randomInstance(), logger: logger, clock: clock
    ) { continuation.yield(BrokerAddresses($0)) }
    let announcement = Announcement(addresses: listening, announce: onListening)
    let hangup = tls.map { [ReloadOnHangup(tls: $0)] } ?? []
    let services = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: ([server, announcement] + hangup + companions).map(ServiceGroupConfiguration.stoppingAll),
        gracefulShutdownSignals: [.sigterm, .sigint],
        logger: logger))
    do {
      defer { file?.shutDown() }
      try await services.run()
    } catch let error as ListenError {
      throw CommandFailure("cannot listen on \(error.address): \(error.reason)")
    }
    try await group.shutdownGracefully()
  }

  /// What was asked for, with no more connections than there can be.
  private func configurationWithinFiles() -> BrokerServerConfiguration {
    var configuration = options.configuration
    let budget = FileLimit.raise().map { FileBudget(filesMax: $0, eventLoops: UsableCores.count) }
    for remark in configuration.fit(options.connectionCounts, into: budget) { logger.warning("\(remark)") }
    return configuration
  }

  private func reloadingTLS(_ configuration: TLSListenerConfiguration) throws(CommandFailure) -> ReloadingTLS {
    do throws(TLSConfigurationError) {
      return try ReloadingTLS(configuration, logger: logger)
    } catch {
      throw CommandFailure("\(error)")
    }
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
