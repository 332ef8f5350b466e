import ArgumentParser
import CasebusClient
import CasebusProtocol
import CasebusTLS
import FoundationEssentials
import NIOCore
import NIOPosix

/// Where a broker listens, written as `ws://host:port/v2` or `wss://host:port/v2`; the scheme and the path may be left
/// out. The workspace is not part of it, it has an option of its own.
struct BrokerAddress: ExpressibleByArgument, CustomStringConvertible {
  var host: String
  var port: Int
  /// Whether it is reached by TLS.
  var isSecure: Bool
  /// How it is reached by TLS; nil for a connection as the system would make it.
  var tls: TLSContext?

  init(host: String, port: Int, isSecure: Bool = false) {
    self.host = host
    self.port = port
    self.isSecure = isSecure
  }

  init?(argument: String) {
    let text = argument.contains("://") ? argument : "ws://\(argument)"
    guard let components = URLComponents(string: text), let scheme = components.scheme, ["ws", "wss"].contains(scheme),
      let host = components.host, !host.isEmpty, ["", "/", "/v2"].contains(components.path), components.query == nil
    else { return nil }
    let isSecure = scheme == "wss"
    self.init(host: host, port: components.port ?? (isSecure ? 8443 : 8080), isSecure: isSecure)
  }

  var description: String { "\(isSecure ? "wss" : "ws")://\(host):\(port)/v2" }
  var defaultValueDescription: String { description }

  /// - Throws: ``CommandFailure`` that says plainly why there is no connection.
  func connect(to scope: WorkspaceScope) async throws(CommandFailure) -> CasebusClient {
    do {
      return try await open(scope)
    } catch {
      throw failure(error)
    }
  }

  /// - Throws: why there is no connection.
  func open(_ scope: WorkspaceScope) async throws(ClientError) -> CasebusClient {
    try await CasebusClient.connect(
      host: host, port: port, workspace: scope, tls: try tlsContext(), group: MultiThreadedEventLoopGroup.singleton)
  }

  private func tlsContext() throws(ClientError) -> TLSContext? {
    guard isSecure else { return nil }
    if let tls { return tls }
    do throws(TLSConfigurationError) {
      return try TLSContext(client: TLSClientConfiguration())
    } catch {
      throw .notConnected("\(error)")
    }
  }

  /// Says plainly why there is no connection, and what may help.
  func failure(_ error: ClientError) -> CommandFailure {
    CommandFailure("\(error)\n\(hint(for: error))")
  }

  private func hint(for error: ClientError) -> String {
    guard case .notTrusted(let refusal) = error else {
      return "Is a broker running there? Start one with: casebus serve --port \(port)"
    }
    return switch refusal {
    case .selfSigned, .unknownAuthority: "If you know this certificate, trust it with: --cacert FILE"
    case .wrongHost: "Connect by a name that the certificate is for."
    case .expired, .notYetValid, .other: "Whoever runs the broker has to replace the certificate."
    }
  }
}
