/// A version of the protocol. Older ones are not to be had.
public enum TLSVersion: String, Sendable, CaseIterable {
  case tls12 = "1.2"
  case tls13 = "1.3"
}

/// What both roles agree on with their peers. Everything not set is as the system's OpenSSL configuration says.
public struct TLSProtocolConfiguration: Hashable, Sendable {
  public var minimumVersion = TLSVersion.tls12
  /// The suites of TLS 1.2, as OpenSSL writes them. By default those with forward secrecy and authenticated encryption.
  public var ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20"
  /// The suites of TLS 1.3, as OpenSSL writes them; nil for all that the system allows.
  public var cipherSuites: String?
  /// The groups for the key exchange in order of preference, separated by colons; nil for ``preferredGroups``.
  public var groups: String?
  /// The protocols of the application that are agreed on by ALPN (RFC 7301), in order of preference.
  public var applicationProtocols = ["http/1.1"]

  /// Taken as far as the system's OpenSSL has them: a FIPS provider may lack some, an old version others.
  public static let preferredGroups = ["X25519MLKEM768", "X25519", "P-256", "P-384"]

  public init() {}
}

/// How a server proves itself, and whom it lets in.
package struct TLSServerConfiguration: Sendable {
  /// Whether clients prove who they are with a certificate.
  package enum ClientCertificates: Sendable {
    case none
    /// Those who have one are known by it; one of an unknown authority is refused all the same.
    case optional(authorityFile: String)
    case required(authorityFile: String)
  }

  /// Each for the host names of its certificate; the first also for those that no certificate is for.
  package var identities: [TLSIdentity]
  package var clientCertificates = ClientCertificates.none
  package var protocols = TLSProtocolConfiguration()
  /// How long a session may be resumed without a full handshake, seconds (`tlsTicketSeconds`).
  package var ticketSeconds = 7200

  package init(identities: [TLSIdentity]) {
    self.identities = identities
  }
}

/// How a client looks at the server that it connects to.
public struct TLSClientConfiguration: Sendable {
  /// Whose certificates are trusted.
  public enum Trust: Hashable, Sendable {
    /// The authorities that the system trusts.
    case system
    /// The certificates in this file (PEM) and those that they signed, nobody else's.
    case file(String)
    /// Everybody: whoever answers may be somebody else.
    case everybody
  }

  public var trust = Trust.system
  /// What the client proves itself with, if it is asked.
  public var identity: TLSIdentity?
  public var protocols = TLSProtocolConfiguration()

  public init() {}
}
