/// Why a TLS connection failed.
package enum TLSError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The peer violates the protocol, or offers nothing acceptable; OpenSSL's text.
  case violation(String)
  /// The peer ended the connection with this alert (RFC 8446 §6.2).
  case alertReceived(String)
  /// The peer's certificate is not accepted.
  case certificateRefused(CertificateRefusal)
  /// The client speaks plain HTTP.
  case plainHTTP
  /// The server's answer is not TLS.
  case notTLS
  /// The peer causes answer after answer without sending data.
  case chatter
  /// The connection ended without a close_notify: data may be missing (RFC 8446 §6.1).
  case truncated
  /// The connection ended before the handshake did.
  case closedDuringHandshake
  /// The handshake took too long.
  case handshakeTimedOut(seconds: Int)
  /// More was written before the end of the handshake than may be queued.
  case queueFull

  package var description: String {
    switch self {
    case .violation(let text): "TLS: \(text)"
    case .alertReceived(let alert): "TLS: the peer gave up: \(alert)"
    case .certificateRefused(let refusal): "TLS: \(refusal)"
    case .plainHTTP: "plain HTTP on a TLS port"
    case .notTLS: "the server does not speak TLS on this port"
    case .chatter: "TLS: too many records without data"
    case .truncated: "TLS: the connection ended without a close_notify"
    case .closedDuringHandshake: "TLS: the connection ended during the handshake"
    case .handshakeTimedOut(let seconds): "TLS: the handshake took longer than \(seconds) s"
    case .queueFull: "TLS: too much to write before the handshake is done"
    }
  }
}

/// What is wrong with the peer's certificate.
public enum CertificateRefusal: Hashable, Sendable, CustomStringConvertible {
  /// It is valid for other hosts.
  case wrongHost(String, hostNames: [String])
  case expired(String)
  case notYetValid(String)
  /// It is self-signed and not trusted.
  case selfSigned(String)
  /// Its authority is not trusted.
  case unknownAuthority(String)
  /// Anything else, with OpenSSL's text.
  case other(String)

  public var description: String {
    switch self {
    case .wrongHost(let host, let names):
      "the certificate is not for \(host), it is for \(names.isEmpty ? "no host" : names.joined(separator: ", "))"
    case .expired(let reason), .notYetValid(let reason): reason
    case .selfSigned(let subject): "the certificate of \(subject) is self-signed, and is not a trusted one"
    case .unknownAuthority(let subject): "the certificate of \(subject) is from an authority that is not trusted"
    case .other(let text): "the certificate is not accepted: \(text)"
    }
  }
}
