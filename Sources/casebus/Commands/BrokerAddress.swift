import CasebusClient
import CasebusConsole
import CasebusProtocol
import CasebusTLS
import NIOPosix

/// Where a broker listens, written as `ws://host:port/v2` or `wss://host:port/v2`; the scheme and the path may be left
/// out. The workspace is not part of it; it has its own option.
struct BrokerAddress: CustomStringConvertible {
  /// A name or an address, an IPv6 address without brackets.
  var host: String
  var port: Int
  /// Whether it is reached by TLS.
  var isSecure: Bool
  /// The settings of TLS; nil for the system's defaults.
  var tls: TLSContext?

  init(host: String, port: Int, isSecure: Bool = false) {
    self.host = host
    self.port = port
    self.isSecure = isSecure
  }

  /// - Throws: `ValidationError` that says what would be right.
  init(commandLine text: String) throws {
    let url = try WebSocketURL(text, schemes: ["ws": 8080, "wss": 8443], defaultScheme: "ws")
    try url.check(["/", "/v2"].contains(url.path), "its path is \(url.path), expected /v2")
    try url.check(url.query == nil, "the workspace is not a part of it, expected --workspace ID")
    self.init(host: url.host, port: url.port, isSecure: url.scheme == "wss")
  }

  var description: String { "\(isSecure ? "wss" : "ws")://\(host.contains(":") ? "[\(host)]" : host):\(port)/v2" }

  /// - Throws: ``CommandFailure`` with the reason in plain words.
  func connect(to scope: WorkspaceScope) async throws(CommandFailure) -> CasebusClient {
    do throws(ClientError) {
      return try await client(of: scope)
    } catch {
      throw CommandFailure([error.description.trimmed, hint(for: error)].compactMap(\.self).joined(separator: "\n"))
    }
  }

  /// - Throws: ``ClientError`` of the client, unchanged.
  func client(of scope: WorkspaceScope) async throws(ClientError) -> CasebusClient {
    try await CasebusClient.connect(
      host: host, port: port, workspace: scope, tls: tlsContext(), group: MultiThreadedEventLoopGroup.singleton)
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
}

// MARK: - What to do about it

extension BrokerAddress {
  /// - Returns: nil if the error says enough.
  private func hint(for error: ClientError) -> String? {
    switch error {
    case .notConnected: "Is a broker running there? Start one with: casebus serve --port \(port)"
    case .notTrusted(let refusal): Self.hint(for: refusal)
    case .speaksNoTLS: "Connect without TLS: --url \(with(isSecure: false))"
    case .handshakeFailed(status: 400, let text) where !isSecure && (text.contains("TLS") || text.contains("HTTPS")):
      "Connect by TLS: --url \(with(isSecure: true))"
    case .handshakeFailed, .connectionLost, .refused, .unexpectedAnswer, .tooManyEvents: nil
    }
  }

  private static func hint(for refusal: CertificateRefusal) -> String {
    switch refusal {
    case .selfSigned, .unknownAuthority: "If you know this certificate, trust it with: --cacert FILE"
    case .wrongHost: "Connect by a name that the certificate is for."
    case .expired, .notYetValid, .other: "Whoever runs the broker has to replace the certificate."
    }
  }

  private func with(isSecure: Bool) -> BrokerAddress {
    BrokerAddress(host: host, port: port, isSecure: isSecure)
  }
}

extension String {
  /// Without the line ends that a server's text has at its end.
  fileprivate var trimmed: String {
    String(reversed().drop { $0.isWhitespace }.reversed())
  }
}
