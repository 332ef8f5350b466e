package import CasebusTLS
package import NIOCore
import NIOHTTP1
import NIOPosix

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Opens WebSocket connections as a client.
package struct WebSocketConnector: Sendable {
  private let group: any EventLoopGroup
  private let configuration: ConnectionConfiguration
  private let tls: TLSContext?
  private let backlog: OutboundBacklog
  private let timers = PerLoop { TimerWheel($0) }

  /// - Parameter tls: nil for connections that are not encrypted.
  package init(group: any EventLoopGroup, configuration: ConnectionConfiguration, tls: TLSContext? = nil) {
    self.group = group
    self.configuration = configuration
    self.tls = tls
    backlog = OutboundBacklog(bytesMax: configuration.outboundTotalBytesMax)
  }

  /// Connects and makes the opening handshake.
  /// - Parameters:
  ///   - host: a name or an address, an IPv6 address with or without brackets; with TLS the server's certificate has to be for it.
  ///   - target: path and query, such as `/v2?workspace=a`.
  ///   - open: called on the connection's event loop when the connection is open; makes the receiver of its messages.
  ///     This method returns that receiver.
  /// - Throws: ``ConnectError``.
  package func connect<Receiver: MessageReceiver & Sendable>(
    host: String, port: Int, target: String, open: @escaping @Sendable (WebSocketHandler) -> Receiver
  ) async throws -> Receiver {
    let authority = Authority(host: host, port: port)
    guard (1...65_535).contains(port) else {
      throw ConnectError.unreachable("\(authority)", reason: "the port is not 1 to 65535")
    }
    let promise = group.any().makePromise(of: Receiver.self)
    let bootstrap = ClientBootstrap(group: group).connectTimeout(timeout)
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try addTLS(to: channel, authority.name)
          try addHTTP(to: channel)
          try channel.pipeline.syncOperations.addHandler(
            ClientHandshakeHandler(
              host: "\(authority)", target: target, timeout: timeout, configuration: configuration, backlog: backlog,
              timers: timers.value(on: channel.eventLoop), hasTLS: tls != nil, open: open, opened: promise))
        }
      }
    do {
      _ = try await bootstrap.connect(host: authority.host, port: port).get()
    } catch {
      promise.fail(ConnectError.unreachable("\(authority)", reason: Self.reason(of: error)))
    }
    return try await promise.futureResult.get()
  }

  private var timeout: TimeAmount { .seconds(Int64(configuration.handshakeTimeoutSeconds)) }

  private func addTLS(to channel: any Channel, _ host: String) throws {
    guard let tls else { return }
    let options = TLSHandler.Options(handshakeTimeoutSeconds: configuration.handshakeTimeoutSeconds)
    try channel.pipeline.syncOperations.addHandler(TLSHandler(TLSSession(client: tls, host: host), options))
  }

  private func addHTTP(to channel: any Channel) throws {
    try channel.pipeline.syncOperations.addHandler(HTTPRequestEncoder())
    try channel.pipeline.syncOperations.addHandler(
      ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes)))
  }

  /// The system's error for the last address that was tried.
  private static func reason(of error: any Error) -> String {
    guard let error = error as? NIOConnectionError else { return "\(error)" }
    guard let last = error.connectionErrors.last else { return "the host name is not known" }
    return (last.error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(last.error)"
  }
}

/// Why connecting failed.
package enum ConnectError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Nobody answers at this address.
  case unreachable(String, reason: String)
  /// The server answered the opening handshake with another status than 101; the text is its body.
  case refused(status: Int, String)
  /// The server's answer is not a valid opening handshake (RFC 6455 §4.1).
  case handshakeFailed(String)
  /// TLS failed: the certificate was not accepted, or another error.
  case tls(TLSError)

  package var description: String {
    switch self {
    case .unreachable(let address, let reason): "cannot reach \(address): \(reason)"
    case .refused(let status, let text): "the server refused the connection with HTTP status \(status): \(text)"
    case .tls(let error): "\(error)"
    case .handshakeFailed(let reason): "the server's opening handshake is not valid: \(reason)"
    }
  }
}
