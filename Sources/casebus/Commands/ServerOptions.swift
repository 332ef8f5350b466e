public import ArgumentParser
import CasebusBroker
import CasebusServer
import CasebusTransport
import CasebusWebSocket
public import CasebusWorkspace
public import Logging

/// What can be set for a broker; the defaults are those of `Protocol/registry/limits.json`.
struct ServerOptions: ParsableArguments {
  enum Journal: String, ExpressibleByArgument, CaseIterable {
    case memory
  }

  @Option(help: "The address to listen on.")
  var host = "127.0.0.1"

  @Option(help: "The port to listen on; 0 lets the system choose one.")
  var port = 8080

  @Option(help: "Where events are kept; memory: as long as the broker runs.")
  var journal = Journal.memory

  @Option(help: "Whether state changes outside of the transition table are refused (strict) or accepted (lenient).")
  var transitions = WorkspaceRules.Transitions.strict

  @Option(help: ArgumentHelp("How long a markdone block stands, milliseconds.", valueName: "ms"))
  var blockMarkdoneTimeout: Int64 = 30_000

  @Option(help: ArgumentHelp("The longest message that is taken, bytes.", valueName: "bytes"))
  var messageBytesMax = 65_536

  @Option(help: ArgumentHelp("How many sessions may be open.", valueName: "count"))
  var sessionsMax = 20_000

  @Option(help: ArgumentHelp("How long a stop may take, seconds.", valueName: "seconds"))
  var drainSeconds = 5

  @Option(help: ArgumentHelp("The least that is logged to standard error.", valueName: "level"))
  var logLevel = Logger.Level.notice

  func validate() throws {
    guard (0...65_535).contains(port) else { throw ValidationError("--port is \(port), expected 0 to 65535") }
    try Self.checkPositive("--block-markdone-timeout", blockMarkdoneTimeout)
    try Self.checkPositive("--message-bytes-max", Int64(messageBytesMax))
    try Self.checkPositive("--sessions-max", Int64(sessionsMax))
    try Self.checkPositive("--drain-seconds", Int64(drainSeconds))
  }

  var configuration: BrokerServerConfiguration {
    var configuration = BrokerServerConfiguration()
    configuration.host = host
    configuration.port = port
    configuration.drainSeconds = drainSeconds
    configuration.broker.sessionsMax = sessionsMax
    configuration.broker.workspaceRules.transitions = transitions
    configuration.broker.workspaceRules.blockMarkdoneTimeoutMilliseconds = blockMarkdoneTimeout
    configuration.connection.limits.messageBytesMax = messageBytesMax
    configuration.connection.limits.frameBytesMax = messageBytesMax
    return configuration
  }

  private static func checkPositive(_ name: String, _ value: Int64) throws {
    guard value > 0 else { throw ValidationError("\(name) is \(value), expected a number greater than 0") }
  }
}

extension WorkspaceRules.Transitions: ExpressibleByArgument {}

extension Logger.Level: @retroactive ExpressibleByArgument {}
