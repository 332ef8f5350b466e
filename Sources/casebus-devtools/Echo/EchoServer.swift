import CasebusTransport
import CasebusWebSocket
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// Sends every message back, through exactly the code that the broker's connections go through: for conformance suites.
struct EchoServer: Service {
  private let host: String
  private let port: Int
  private let configuration: ConnectionConfiguration
  private let group: any EventLoopGroup
  private let logger: Logger
  private let onListening: @Sendable ([SocketAddress]) async -> Void

  /// - Parameter onListening: called once, when clients can connect, with the addresses.
  init(
    host: String, port: Int, configuration: ConnectionConfiguration, group: any EventLoopGroup, logger: Logger,
    onListening: @escaping @Sendable ([SocketAddress]) async -> Void
  ) {
    self.host = host
    self.port = port
    self.configuration = configuration
    self.group = group
    self.logger = logger
    self.onListening = onListening
  }

  func run() async throws {
    let listener = WebSocketListener(
      host: host, port: port, acceptor: EchoAcceptor(), responder: { _, _ in Response(status: .notFound) },
      connections: ServerConnections(configuration), group: group, logger: logger, onListening: onListening)
    try await listener.run()
  }
}

private struct EchoAcceptor: WebSocketAcceptor {
  func admit(_ request: OpeningRequest) -> Bool { true }

  func open(_ ticket: Bool, _ connection: WebSocketHandler, on eventLoop: any EventLoop) -> any MessageReceiver {
    EchoReceiver(connection)
  }
}

private final class EchoReceiver: MessageReceiver {
  private let connection: WebSocketHandler

  init(_ connection: WebSocketHandler) {
    self.connection = connection
  }

  func textReceived(_ text: ByteBuffer) {
    connection.writeText(text)
    connection.flush()
  }

  func binaryReceived(_ bytes: ByteBuffer) {
    connection.writeBinary(bytes)
    connection.flush()
  }

  func connectionClosed(_ closure: ConnectionClosure) {}
}
