import ArgumentParser
import CasebusConsole
import CasebusProtocol
import CasebusTransport
import CasebusWebSocket
import NIOCore
import NIOPosix

struct EchoClientCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "echo-client", abstract: "Sends messages to a WebSocket echo server and looks whether they come back.",
    discussion: """
      Prints one line of JSON when all came back as they were sent; else what was the first difference, with status 1.

      EXAMPLE:
        casebus-devtools echo-client --url ws://127.0.0.1:9001/ --messages 200 --max-message-bytes 4194304
      """)

  @Option(
    help: ArgumentHelp("The echo server.", valueName: "url"), transform: EchoServerAddress.init(commandLine:))
  var url: EchoServerAddress

  @Option(help: ArgumentHelp("How many messages to send, 1 to 10000000.", valueName: "count"))
  var messages = 100

  @Option(help: "The same seed sends the same messages.")
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("The longest message, 1 to 1073741824 bytes.", valueName: "bytes"))
  var maxMessageBytes = 1 << 20

  @Flag(help: "Offer no compression (permessage-deflate).")
  var noDeflate = false

  @Option(help: ArgumentHelp("How long the server may take for any answer, 1 to 86400 seconds.", valueName: "seconds"))
  var timeout = 10

  func validate() throws {
    try checkRange("--messages", messages, .count)
    try checkRange("--max-message-bytes", maxMessageBytes, .messageBytes)
    try checkRange("--timeout", timeout, .timerSeconds)
  }

  func run() async throws {
    let text: String
    do {
      text = try await summary(of: connect())
    } catch {
      throw CommandFailure("\(error)")
    }
    try printLine(text)
  }

  private func connect() async throws -> EchoLink {
    let connector = WebSocketConnector(
      group: MultiThreadedEventLoopGroup.singleton, configuration: connectionConfiguration)
    return try await connector.connect(host: url.host, port: url.port, target: url.target) { EchoLink($0) }
  }

  /// Sends all messages, then closes the connection.
  /// - Throws: ``EchoFailure``.
  private func summary(of link: EchoLink) async throws -> String {
    let isDeflating = try await link.isDeflating()
    var bytes = 0
    for (index, message) in EchoMessages(count: messages, seed: seed, bytesMax: maxMessageBytes).enumerated() {
      let echo: EchoMessage
      do {
        echo = try await link.exchange(message, within: .seconds(Int64(timeout)))
      } catch {
        throw EchoFailure("message \(index), \(message): \(error)")
      }
      if let difference = message.difference(to: echo) { throw EchoFailure("message \(index): \(difference)") }
      bytes += message.payload.readableBytes
    }
    let closure = try await link.close()
    return JSONValue.object([
      "messages": .number(JSONNumber(messages)), "bytes": .number(JSONNumber(bytes)), "deflate": .boolean(isDeflating),
      "closeCode": .number(JSONNumber(Int(closure.code))),
    ]).jsonText
  }

  /// A server can split its messages into any frames.
  private var connectionConfiguration: ConnectionConfiguration {
    var configuration = ConnectionConfiguration()
    configuration.limits = WebSocketLimits(
      messageBytesMax: maxMessageBytes, frameBytesMax: 2 * maxMessageBytes + 1024, fragmentsPerMessageMax: 1 << 20,
      pingsPerMinuteMax: 1 << 20)
    configuration.outboundQueueBytesMax = 4 * maxMessageBytes
    configuration.handshakeTimeoutSeconds = timeout
    if noDeflate { configuration.deflate = nil }
    return configuration
  }
}
