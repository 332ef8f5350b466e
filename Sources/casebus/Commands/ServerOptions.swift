public import ArgumentParser
import CasebusBroker
import CasebusConsole
import CasebusServer
import CasebusTransport
import CasebusWebSocket
public import CasebusWorkspace
public import Logging

/// What can be set for a broker; the defaults are those of `Protocol/registry/limits.json`.
struct ServerOptions: ParsableArguments {
  @Option(help: "The address to listen on, or a name of this machine: then all its addresses.")
  var host = "127.0.0.1"

  @Option(help: "The port to listen on, 0 to 65535; 0 lets the system choose one.")
  var port = 8080

  @OptionGroup var tls: TLSOptions

  @OptionGroup var journal: JournalOptions

  @OptionGroup var consumers: ConsumerOptions

  @OptionGroup var state: StateOptions

  @Option(help: "Whether state changes outside of the transition table are refused (strict) or accepted (lenient).")
  var transitions = WorkspaceRules.Transitions.strict

  @Option(help: ArgumentHelp("How long a markdone block stands, 1 to 86400000 milliseconds.", valueName: "ms"))
  var blockMarkdoneTimeout: Int64 = 30_000

  @Option(help: ArgumentHelp("The longest message that is taken, 1 to 1073741824 bytes.", valueName: "bytes"))
  var messageBytesMax = 65_536

  @Flag(help: "Offer no compression (permessage-deflate).")
  var noDeflate = false

  @Option(help: ArgumentHelp("How hard messages are deflated, 1 to 9: fast to small.", valueName: "level"))
  var deflateLevel = 6

  @Option(help: ArgumentHelp("Messages shorter than this are not deflated, 1 to 1073741824 bytes.", valueName: "bytes"))
  var deflateThreshold = 128

  @Option(
    help: ArgumentHelp(
      "What may wait for one session before it is closed as too slow, 1 to 1099511627776 bytes.", valueName: "bytes"))
  var outboundQueueBytesMax = 1 << 20

  @Option(
    help: ArgumentHelp(
      "What may wait for all sessions, 1 to 1099511627776 bytes; over it the slowest are cut off.", valueName: "bytes"))
  var outboundTotalBytesMax = 256 << 20

  @Option(
    help: ArgumentHelp(
      "How many connections may be open, 1 to 10000000 (default: 25000, or as many as fit into the process's files).",
      valueName: "count"))
  var connectionsMax: Int?

  @Option(
    help: ArgumentHelp(
      "How many connections may be open from one address, 1 to 10000000 (default: half of --connections-max; from this machine itself, all of them).",
      valueName: "count"))
  var connectionsPerAddressMax: Int?

  @Option(
    help: ArgumentHelp(
      "How long an opening handshake or another HTTP request may take, 1 to 86400 seconds.", valueName: "seconds"))
  var handshakeTimeout = 10

  @Option(
    help: ArgumentHelp(
      "How long a connection may be open between two plain HTTP requests, 1 to 86400 seconds.", valueName: "seconds"))
  var httpIdle = 30

  @Option(
    help: ArgumentHelp("How many plain HTTP requests one connection may make, 1 to 10000000.", valueName: "count"))
  var httpRequestsMax = 1000

  @Option(help: ArgumentHelp("After so much silence a client is pinged, 1 to 86400 seconds.", valueName: "seconds"))
  var pingInterval = 25

  @Option(help: ArgumentHelp("How long a pinged client may stay silent, 1 to 86400 seconds.", valueName: "seconds"))
  var pongTimeout = 10

  @Option(help: ArgumentHelp("How many sessions may be open, 1 to 10000000 (default: 20000).", valueName: "count"))
  var sessionsMax: Int?

  @Option(help: ArgumentHelp("How long a stop may take, 1 to 86400 seconds.", valueName: "seconds"))
  var drainSeconds = 5

  @Option(help: ArgumentHelp("The least that is logged to standard error.", valueName: "level"))
  var logLevel = Logger.Level.notice

  func validate() throws {
    try checkRange("--port", port, 0...65_535)
    try checkRange("--block-markdone-timeout", blockMarkdoneTimeout, 1...86_400_000)
    try checkRange("--message-bytes-max", messageBytesMax, .messageBytes)
    for (name, value) in connectionCounts { try checkRange(name, value, .count) }
    try checkRange("--drain-seconds", drainSeconds, .timerSeconds)
    try checkRange("--deflate-level", deflateLevel, 1...9)
    try checkRange("--deflate-threshold", deflateThreshold, .messageBytes)
    try checkRange("--outbound-queue-bytes-max", outboundQueueBytesMax, .totalBytes)
    try checkRange("--outbound-total-bytes-max", outboundTotalBytesMax, .totalBytes)
    try checkRange("--handshake-timeout", handshakeTimeout, .timerSeconds)
    try checkRange("--http-idle", httpIdle, .timerSeconds)
    try checkRange("--http-requests-max", httpRequestsMax, .count)
    try checkRange("--ping-interval", pingInterval, .timerSeconds)
    try checkRange("--pong-timeout", pongTimeout, .timerSeconds)
  }

  var configuration: BrokerServerConfiguration {
    var configuration = BrokerServerConfiguration()
    configuration.host = host
    configuration.port = tls.noPlain ? nil : port
    configuration.drainSeconds = drainSeconds
    if let sessionsMax { configuration.broker.sessionsMax = sessionsMax }
    if let connectionsMax { configuration.connection.connectionsMax = connectionsMax }
    configuration.broker.workspaceRules.transitions = transitions
    configuration.broker.workspaceRules.blockMarkdoneTimeoutMilliseconds = blockMarkdoneTimeout
    configuration.broker.messageIDWindowSeconds = journal.messageIdWindow
    consumers.set(in: &configuration.broker)
    state.set(in: &configuration.broker)
    configuration.setMessageBytesMax(messageBytesMax)
    configuration.setDeflate(deflate)
    configuration.connection.outboundQueueBytesMax = outboundQueueBytesMax
    configuration.connection.outboundTotalBytesMax = outboundTotalBytesMax
    configuration.connection.connectionsPerAddressMax = connectionsPerAddressMax
    configuration.connection.handshakeTimeoutSeconds = handshakeTimeout
    configuration.connection.httpIdleSeconds = httpIdle
    configuration.connection.httpRequestsPerConnectionMax = httpRequestsMax
    configuration.connection.timing.pingIntervalSeconds = pingInterval
    configuration.connection.timing.pongTimeoutSeconds = pongTimeout
    return configuration
  }

  /// Those numbers of connections that were asked for.
  var connectionCounts: [(option: String, count: Int)] {
    let all = [
      ("--connections-max", connectionsMax), ("--connections-per-address-max", connectionsPerAddressMax),
      ("--sessions-max", sessionsMax),
    ]
    return all.compactMap { name, count in count.map { (name, $0) } }
  }

  private var deflate: DeflateConfiguration? {
    guard !noDeflate else { return nil }
    var deflate = DeflateConfiguration()
    deflate.level = deflateLevel
    deflate.thresholdBytes = deflateThreshold
    return deflate
  }
}

extension WorkspaceRules.Transitions: ExpressibleByArgument {}

extension Logger.Level: @retroactive ExpressibleByArgument {}
