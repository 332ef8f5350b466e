internal import COpenSSL

/// The shared state of all connections of one role and configuration.
///
/// Unchecked: OpenSSL's object is immutable after `init` and may then be used from all threads (SSL_CTX_new(3)); the ticket
/// keys change and have their own lock.
public final class TLSContext: @unchecked Sendable {
  enum Role {
    case client
    case server
  }

  let role: Role
  /// OpenSSL's object; valid while this object lives.
  let pointer: OpaquePointer
  /// Its identities.
  package let identities: [TLSIdentity]
  /// The protocols of ALPN (RFC 7301 §3.1): each name after its length.
  let applicationProtocols: [UInt8]
  let ticketKeys: TicketKeyRing?

  /// A context for a server.
  /// - Parameter predecessor: the context that this one replaces; its sessions can be resumed.
  /// - Throws: the file or the setting that is wrong, and why.
  package init(
    server configuration: TLSServerConfiguration, replacing predecessor: TLSContext? = nil
  ) throws(TLSConfigurationError) {
    precondition(!configuration.identities.isEmpty, "a server proves who it is")
    role = .server
    pointer = try Self.makePointer(TLS_server_method())
    identities = configuration.identities
    applicationProtocols = configuration.protocols.applicationProtocols.flatMap { [UInt8($0.utf8.count)] + $0.utf8 }
    ticketKeys = predecessor?.ticketKeys ?? TicketKeyRing(ticketSeconds: configuration.ticketSeconds)
    try setProtocols(configuration.protocols)
    try setIdentities()
    try setClientCertificates(configuration.clientCertificates)
    setTickets(seconds: configuration.ticketSeconds)
    setServerCallbacks()
  }

  /// A context for clients.
  /// - Throws: the file or the setting that is wrong, and why.
  public init(client configuration: TLSClientConfiguration) throws(TLSConfigurationError) {
    role = .client
    pointer = try Self.makePointer(TLS_client_method())
    identities = configuration.identity.map { [$0] } ?? []
    applicationProtocols = configuration.protocols.applicationProtocols.flatMap { [UInt8($0.utf8.count)] + $0.utf8 }
    ticketKeys = nil
    try setProtocols(configuration.protocols)
    try setIdentities()
    try setTrust(configuration.trust)
    try offerApplicationProtocols()
  }

  deinit {
    SSL_CTX_free(pointer)
  }

  private static func makePointer(_ method: OpaquePointer?) throws(TLSConfigurationError) -> OpaquePointer {
    OpenSSLErrors.clear()
    guard let pointer = SSL_CTX_new(method) else { throw .openSSL("OpenSSL") }
    return pointer
  }

  /// The context of a callback of OpenSSL.
  static func of(_ ssl: OpaquePointer?) -> TLSContext {
    guard let pointer = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0) else { preconditionFailure("a foreign SSL_CTX") }
    return Unmanaged<TLSContext>.fromOpaque(pointer).takeUnretainedValue()
  }

  private func setServerCallbacks() {
    // A session keeps its context alive, and OpenSSL calls back only for sessions.
    let code = SSL_CTX_set_ex_data(pointer, 0, Unmanaged.passUnretained(self).toOpaque())
    precondition(code == 1, "SSL_CTX_set_ex_data returned \(code)")
    selectCertificates()
    answerApplicationProtocols()
    staple()
  }
}
