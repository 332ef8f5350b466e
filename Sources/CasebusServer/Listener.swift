import CasebusTransport
import CasebusWebSocket
import Hummingbird
import HummingbirdCore
import Logging
public import NIOCore
import ServiceLifecycle

/// One port that clients connect to.
struct Listener: Service {
  let host: String
  let port: Int
  let endpoints: Endpoints
  let connections: ServerConnections
  /// nil for connections that are not encrypted.
  let tls: ListenerTLS?
  let group: any EventLoopGroup
  let logger: Logger
  let onListening: @Sendable (SocketAddress) async -> Void

  func run() async throws {
    do {
      try await listener.run()
    } catch let error as IOError {
      throw ListenError(address: "\(host):\(port)", errnoCode: error.errnoCode)
    }
  }

  private var listener: some Service {
    WebSocketListener(
      host: host, port: port, acceptor: endpoints.acceptor, responder: endpoints.router.httpResponder(logger),
      connections: connections, tls: tls, group: group, logger: logger, onListening: onListening)
  }
}

/// A port that cannot be listened on.
public struct ListenError: Error, Hashable, Sendable {
  public var address: String
  /// What the system said.
  public var errnoCode: CInt
}

/// Where clients can connect; at least one is set.
public struct ListeningAddresses: Hashable, Sendable {
  public internal(set) var plain: SocketAddress?
  public internal(set) var tls: SocketAddress?
}
