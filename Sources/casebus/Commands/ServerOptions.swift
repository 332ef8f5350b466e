import ArgumentParser
import CasebusConsole
import CasebusServer
import FoundationEssentials

/// The options of a broker. Which values they take and what they mean is said once, in `ConfigurationTable`; an option
/// that is absent has its value from the environment, the configuration file or the table.
struct ServerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A YAML or JSON file with what the options do not say; casebus config example prints one.", valueName: "file"))
  var config: String?

  @Option(help: .key("listen.host")) var host: String?
  @Option(help: .key("listen.port")) var port: String?

  @OptionGroup var tls: TLSOptions
  @OptionGroup var journal: JournalOptions
  @OptionGroup var consumers: ConsumerOptions
  @OptionGroup var state: StateOptions

  @Option(help: .key("workspace.transitions")) var transitions: String?
  @Option(help: .key("service-client-api.block-markdone-timeout")) var blockMarkdoneTimeout: String?
  @Option(help: .key("limits.message-bytes-max")) var messageBytesMax: String?
  @Flag(help: "Offer no compression (permessage-deflate).") var noDeflate = false
  @Option(help: .key("deflate.level")) var deflateLevel: String?
  @Option(help: .key("deflate.threshold-bytes")) var deflateThreshold: String?
  @Option(help: .key("limits.outbound-queue-bytes-max")) var outboundQueueBytesMax: String?
  @Option(help: .key("limits.outbound-total-bytes-max")) var outboundTotalBytesMax: String?
  @Option(help: .key("limits.connections-max")) var connectionsMax: String?
  @Option(help: .key("limits.connections-per-address-max")) var connectionsPerAddressMax: String?
  @Option(help: .key("limits.handshake-timeout-seconds")) var handshakeTimeout: String?
  @Option(help: .key("limits.http-idle-seconds")) var httpIdle: String?
  @Option(help: .key("limits.http-requests-per-connection-max")) var httpRequestsMax: String?
  @Option(help: .key("limits.ping-interval-seconds")) var pingInterval: String?
  @Option(help: .key("limits.pong-timeout-seconds")) var pongTimeout: String?
  @Option(help: .key("limits.sessions-max")) var sessionsMax: String?
  @Option(help: .key("limits.drain-seconds")) var drainSeconds: String?
  @Option(help: .key("log.level")) var logLevel: String?

  /// Reads the environment and the file.
  func resolution(hasOwnCertificate: Bool = false) -> ConfigurationResolution {
    let environment = ProcessInfo.processInfo.environment
    return ConfigurationResolution(
      flags: flags, environment: environment, file: config ?? environment[ConfigurationEnvironment.fileVariable],
      hasOwnCertificate: hasOwnCertificate)
  }

  /// - Throws: `ValidationError` if the command line alone is wrong; what is wrong elsewhere is said by `run`.
  func check(hasOwnCertificate: Bool = false) throws {
    let ofCommandLine = ConfigurationResolution(flags: flags, hasOwnCertificate: hasOwnCertificate)
    let resolution = resolution(hasOwnCertificate: hasOwnCertificate)
    guard !resolution.problems.isEmpty else { return }
    // Also values that do not fit together: with a file it may be the file that says so.
    if let problem = ofCommandLine.problems.first(where: { $0.source != nil || isAlone }) {
      throw ValidationError(problem.description)
    }
  }

  /// - Throws: ``CommandFailure`` with everything that is wrong.
  func checkedResolution(hasOwnCertificate: Bool = false) throws -> ConfigurationResolution {
    let resolution = resolution(hasOwnCertificate: hasOwnCertificate)
    guard resolution.problems.isEmpty else {
      throw CommandFailure(resolution.problems.map(\.description).joined(separator: "\n"))
    }
    return resolution
  }

  private var flags: [String: [String]] {
    [tls.givenFlags, journal.givenFlags, consumers.givenFlags, state.givenFlags].reduce(givenFlags) { all, some in
      all.merging(some) { first, _ in first }
    }
  }

  private var isAlone: Bool {
    let environment = ProcessInfo.processInfo.environment
    return config == nil && environment[ConfigurationEnvironment.fileVariable] == nil
      && !ConfigurationTable.keys.contains { environment[$0.variable] != nil }
  }
}
