import HTTPTypes
import HummingbirdCore
package import Logging
package import NIOCore
import NIOPosix
import ServiceLifecycle

/// Listens on a port: WebSocket connections go to an acceptor, all other requests to an HTTP responder.
///
/// ``run()`` serves until a graceful shutdown. Then it accepts nothing more, closes connections without a request, and
/// returns when the requests that have begun are answered. WebSocket connections stay open: their acceptor closes them.
package struct WebSocketListener<Acceptor: WebSocketAcceptor>: Service {
  private let address: (host: String, port: Int)
  private let acceptor: Acceptor
  private let responder: HTTPResponder
  private let connections: ServerConnections
  private let tls: ListenerTLS?
  private let group: any EventLoopGroup
  private let logger: Logger
  private let onListening: @Sendable ([SocketAddress]) async -> Void

  /// How many connections the kernel can queue, and how many are accepted at a time.
  private static var backlog: Int32 { 4096 }
  private static var acceptedAtOnce: UInt { 64 }

  /// - Parameters:
  ///   - responder: answers requests that are not valid opening handshakes.
  ///   - connections: what all listeners of the server share.
  ///   - tls: nil for connections that are not encrypted.
  ///   - host: an address, also in brackets, or a name: then all its addresses on this machine.
  ///   - onListening: called once, when clients can connect, with the addresses.
  package init(
    host: String, port: Int, acceptor: Acceptor, responder: @escaping HTTPResponder,
    connections: ServerConnections, tls: ListenerTLS? = nil, group: any EventLoopGroup, logger: Logger,
    onListening: @escaping @Sendable ([SocketAddress]) async -> Void
  ) {
    address = (host, port)
    self.acceptor = acceptor
    self.responder = responder
    self.connections = connections
    self.tls = tls
    self.group = group
    self.logger = logger
    self.onListening = onListening
  }

  package func run() async throws {
    let (requests, source) = AsyncStream.makeStream(of: PlainWork.self)
    let entrance = UpgradingChannel(acceptor: acceptor, connections: connections, tls: tls, logger: logger) {
      if case .terminated = source.yield($0) { $0.abandon() }
    }
    let listeners = try await bind(entrance)
    await onListening(listeners.compactMap(\.localAddress))
    await withGracefulShutdownHandler {
      await serve(requests)
    } onGracefulShutdown: {
      for listener in listeners { listener.close(promise: nil) }
      connections.census.quiesce()
      source.finish()
    }
    for listener in listeners { try? await listener.close() }
  }

  private func bind(_ entrance: UpgradingChannel<Acceptor>) async throws -> [any Channel] {
    let addresses = try ListenAddress.addresses(of: address.host, port: address.port)
    let backoff = AcceptBackoff(logger: logger)
    let binding = PortBinding(addresses: addresses) {
      try await bootstrap(entrance, backoff).bind(to: $0).get()
    }
    return try await binding.bind()
  }

  private func serve(_ requests: AsyncStream<PlainWork>) async {
    let http = HTTP1Channel(responder: lastResponder)
    await withDiscardingTaskGroup { group in
      for await work in requests {
        group.addTask { [responder, logger] in
          switch work {
          case .exchange(let exchange): await exchange.answer(by: responder)
          case .lastRequest(let connection): await http.handle(value: connection, logger: logger)
          }
        }
      }
    }
  }

  /// Answers the last request of a connection.
  private var lastResponder: HTTPChannelHandler.Responder {
    { [responder, isSecure = tls != nil] request, writer, channel in
      let peer = try await channel.eventLoop.submit { channel.peer(isSecure: isSecure) }.get()
      var response = await responder(request, peer)
      response.headers[.connection] = "close"
      try await writer.write(response: response.head, body: response.body)
    }
  }

  private func bootstrap(_ entrance: UpgradingChannel<Acceptor>, _ backoff: AcceptBackoff) -> ServerBootstrap {
    ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: Self.backlog)
      .serverChannelOption(.maxMessagesPerRead, value: Self.acceptedAtOnce)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptPause(backoff))
        }
      }
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try entrance.begin(channel) }
      }
  }
}
