import ArgumentParser
import CasebusConsole
import CasebusTransport
import CasebusWebSocket
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

struct EchoServerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "echo-server", abstract: "Sends every WebSocket message back, for conformance suites.",
    discussion: """
      EXAMPLE:
        casebus-devtools echo-server --port 9001 --max-message-bytes 33554432
      """)

  @Option(help: "The address to listen on.")
  var host = "127.0.0.1"

  @Option(help: "The port to listen on, 0 to 65535; 0 lets the system choose one.")
  var port = 9001

  @Flag(help: "Offer no compression (permessage-deflate).")
  var noDeflate = false

  @Option(help: ArgumentHelp("The longest message that is taken, 1 to 1073741824 bytes.", valueName: "bytes"))
  var maxMessageBytes = 64 << 20

  func validate() throws {
    try checkRange("--port", port, 0...65_535)
    try checkRange("--max-message-bytes", maxMessageBytes, .messageBytes)
  }

  func run() async throws {
    let logger = Logger.standardError()
    let group = MultiThreadedEventLoopGroup(numberOfThreads: UsableCores.count)
    let (listening, continuation) = AsyncStream.makeStream(of: [ListeningAddress].self)
    let server = EchoServer(
      host: host, port: port, configuration: connectionConfiguration, group: group, logger: logger
    ) { continuation.yield($0.map { ListeningAddress($0) }) }
    let announcement = Announcement(addresses: listening) {
      try printLine("Casebus echoes on \($0.map(\.webSocketURL).joined(separator: " and "))")
    }
    try await ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [server, announcement].map(ServiceGroupConfiguration.stoppingAll),
        gracefulShutdownSignals: [.sigterm, .sigint],
        logger: logger)
    ).run()
  }

  /// The limits of the broker's connections, raised to what conformance suites send.
  private var connectionConfiguration: ConnectionConfiguration {
    var configuration = ConnectionConfiguration()
    // Deflating can make bytes that do not compress longer, by an eighth at most.
    configuration.limits = WebSocketLimits(
      messageBytesMax: maxMessageBytes, frameBytesMax: maxMessageBytes + maxMessageBytes / 8 + 64,
      fragmentsPerMessageMax: 1 << 20, pingsPerMinuteMax: 1 << 20)
    configuration.deflate?.thresholdBytes = 1
    configuration.outboundQueueBytesMax = 4 * maxMessageBytes
    configuration.outboundTotalBytesMax = 16 * maxMessageBytes
    if noDeflate { configuration.deflate = nil }
    return configuration
  }
}
