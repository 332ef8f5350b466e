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
      try await application.run()
    } catch let error as IOError {
      throw ListenError(address: "\(host):\(port)", errnoCode: error.errnoCode)
    }
  }

  private var application: some ApplicationProtocol {
    let (acceptor, connections, tls) = (endpoints.acceptor, connections, tls)
    return Application(
      router: endpoints.router,
      server: HTTPServerBuilder { responder in
        UpgradingChannel(responder: responder, acceptor: acceptor, connections: connections, tls: tls)
      },
      configuration: ApplicationConfiguration(
        address: .hostname(host, port: port), serverName: "Casebus", backlog: 1024),
      onServerRunning: { [onListening] channel in
        if let address = channel.localAddress { await onListening(address) }
      },
      eventLoopGroupProvider: .shared(group), logger: logger)
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
