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
  private let resolution: ConfigurationResolution
  private let resolve: @Sendable () -> ConfigurationResolution
  private let level: ProcessLogLevel
  private let logger: Logger

  /// - Parameters:
  ///   - resolution: without problems.
  ///   - resolve: reads all sources of the configuration again.
  init(_ resolution: ConfigurationResolution, resolve: @escaping @Sendable () -> ConfigurationResolution) {
    self.resolution = resolution
    self.resolve = resolve
    level = ProcessLogLevel(resolution.configuration.logLevel)
    logger = Logger.standardError(level: level)
  }

  /// Serves until SIGTERM or SIGINT.
  /// - Parameters:
  ///   - listener: the side of TLS; nil for the one that is configured.
  ///   - companions: services that run beside the broker, and are stopped before it; when one ends, all end.
  ///   - onListening: called once, when clients can connect; where it throws, the broker is stopped.
  /// - Throws: what `onListening` throws; ``CommandFailure`` if a certificate is not good, the journal cannot be opened or a port cannot be listened on.
  func run(
    tls listener: TLSListenerConfiguration? = nil, companions: [any Service] = [],
    onListening: @escaping @Sendable (BrokerAddresses) throws -> Void
  ) async throws {
    let configuration = resolution.configuration
    let budget = FileLimit.raise().map { FileBudget(filesMax: $0, eventLoops: UsableCores.count) }
    let serverConfiguration = resolution.serverConfiguration(within: budget, logger)
    FileLimit.surviveFileSize()
    let tls = try (listener ?? configuration.tls.listenerConfiguration).map { try reloadingTLS($0) }
    let clock = BrokerClock()
    let file = try configuration.storage == .sqlite ? journal(configuration.journal, clock) : nil
    let memory = MemoryJournal(
      recordsPerWorkspaceMax: configuration.memoryJournalEventsMax,
      bytesPerWorkspaceMax: configuration.memoryJournalBytesMax)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: UsableCores.count)
    let (listening, continuation) = AsyncStream.makeStream(of: BrokerAddresses.self)
    let server = BrokerServer(
      configuration: serverConfiguration, tls: tls, journal: file ?? memory, group: group,
      instance: Self.randomInstance(), logger: logger, clock: clock
    ) { continuation.yield(BrokerAddresses($0)) }
    let announcement = Announcement(addresses: listening, announce: onListening)
    // Before anybody can connect: who starts a broker may send the signal as soon as it says that it listens.
    let hangup = ReloadOnHangup(
      reload: ConfigurationReload(
        configuration, server: server, tls: tls, level: level, budget: budget, logger: logger),
      resolve: resolve, signals: await UnixSignalsSequence(trapping: .sighup))
    let services = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: ([server, announcement, hangup] + companions).map(ServiceGroupConfiguration.stoppingAll),
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

  private func journal(
    _ configuration: SQLiteJournalConfiguration, _ clock: BrokerClock
  ) throws(CommandFailure) -> SQLiteJournal {
    do {
      return try SQLiteJournal(configuration, logger: logger) { clock.milliseconds }
    } catch {
      throw CommandFailure("\(error)")
    }
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

/// Reloads the configuration and the certificates on SIGHUP.
private struct ReloadOnHangup: Service {
  let reload: ConfigurationReload
  let resolve: @Sendable () -> ConfigurationResolution
  let signals: UnixSignalsSequence

  func run() async throws {
    for await _ in signals.cancelOnGracefulShutdown() { await reload.reload(resolve()) }
  }
}

/// Applies a new configuration to a running broker, all of it or nothing.
private actor ConfigurationReload {
  private var configuration: ReloadableConfiguration
  private let server: BrokerServer
  private let tls: ReloadingTLS?
  private let level: ProcessLogLevel
  private let budget: FileBudget?
  private let logger: Logger

  init(
    _ configuration: ServeConfiguration, server: BrokerServer, tls: ReloadingTLS?, level: ProcessLogLevel,
    budget: FileBudget?, logger: Logger
  ) {
    self.configuration = ReloadableConfiguration(configuration)
    self.server = server
    self.tls = tls
    self.level = level
    self.budget = budget
    self.logger = logger
  }

  func reload(_ resolution: ConfigurationResolution) {
    var next = configuration
    switch next.reloaded(resolution) {
    case .refused(let problems):
      let reasons = problems.map(\.description).joined(separator: "; ")
      logger.error("configuration not reloaded, the old one stays in use", metadata: ["reason": "\(reasons)"])
    case .reloaded(let changed, let needingRestart):
      // Certificates are the only part that can fail from here on; their own line says what is wrong.
      guard tls?.reload() != false else {
        logger.error(
          "configuration not reloaded, the old one stays in use", metadata: ["reason": "the certificates are invalid"])
        return
      }
      configuration = next
      level.current = next.current.logLevel
      server.reload(resolution.serverConfiguration(within: budget, logger))
      log(changed, needingRestart)
    }
  }

  private func log(_ changed: [ReloadableConfiguration.Change], _ needingRestart: [ReloadableConfiguration.Change]) {
    let changes = changed.isEmpty ? "none" : changed.map(\.description).joined(separator: "; ")
    logger.notice("configuration reloaded", metadata: ["changed": "\(changes)"])
    guard !needingRestart.isEmpty else { return }
    let waiting = needingRestart.map(\.description).joined(separator: "; ")
    logger.warning("the configuration has changes that need a restart", metadata: ["keys": "\(waiting)"])
  }
}

extension ConfigurationResolution {
  /// What was asked for, with no more connections than there can be.
  fileprivate func serverConfiguration(within budget: FileBudget?, _ logger: Logger) -> BrokerServerConfiguration {
    var server = configuration.serverConfiguration
    let wanted = ["limits.connections-max", "limits.connections-per-address-max", "limits.sessions-max"]
      .compactMap { name -> (option: String, count: Int)? in
        guard let key = ConfigurationTable[name], sources[name] != nil, let value = key.value(in: configuration) else {
          return nil
        }
        return Int(value).map { (key.flag ?? name, $0) }
      }
    for remark in server.fit(wanted, into: budget) { logger.warning("\(remark)") }
    return server
  }
}
