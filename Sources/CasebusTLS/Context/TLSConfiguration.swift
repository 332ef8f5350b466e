/// A version of the protocol. Older ones are not supported.
public enum TLSVersion: String, Sendable, CaseIterable {
  case tls12 = "1.2"
  case tls13 = "1.3"
}

/// The settings of both roles. The system's OpenSSL configuration decides everything that is not set here.
public struct TLSProtocolConfiguration: Hashable, Sendable {
  public var minimumVersion = TLSVersion.tls12
  /// The suites of TLS 1.2, in OpenSSL's syntax. By default those with forward secrecy and authenticated encryption.
  public var ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20"
  /// The suites of TLS 1.3, in OpenSSL's syntax; nil for all that the system allows.
  public var cipherSuites: String?
  /// The groups for the key exchange in order of preference, separated by colons; nil for ``preferredGroups``.
  public var groups: String?
  /// The application protocols for ALPN (RFC 7301), in order of preference.
  public var applicationProtocols = ["http/1.1"]

  /// Groups that the system's OpenSSL lacks (a FIPS provider, an old version) are left out.
  public static let preferredGroups = ["X25519MLKEM768", "X25519", "P-256", "P-384"]

  public init() {}
}

/// How a server identifies itself, and which clients it accepts.
package struct TLSServerConfiguration: Sendable {
  /// Whether clients must have a certificate.
  package enum ClientCertificates: Sendable {
    case none
    /// Clients without a certificate are accepted; one of an unknown authority is refused.
    case optional(authorityFile: String)
    case required(authorityFile: String)
  }

  /// Each for the host names of its certificate; the first one also for all other names.
  package var identities: [TLSIdentity]
  package var clientCertificates = ClientCertificates.none
  package var protocols = TLSProtocolConfiguration()
  /// How long a session may be resumed without a full handshake, seconds (`tlsTicketSeconds`).
  package var ticketSeconds = 7200

  package init(identities: [TLSIdentity]) {
    self.identities = identities
  }
}

/// How a client verifies the server that it connects to.
public struct TLSClientConfiguration: Sendable {
  /// The certificates that are trusted.
  public enum Trust: Hashable, Sendable {
    /// Those of the system's authorities.
    case system
    /// Only the certificates in this file (PEM) and those that they signed.
    case file(String)
    /// All: the server is not verified.
    case everybody
  }

  public var trust = Trust.system
  /// The client's identity, if the server requests one.
  public var identity: TLSIdentity?
  public var protocols = TLSProtocolConfiguration()

  public init() {}
}
