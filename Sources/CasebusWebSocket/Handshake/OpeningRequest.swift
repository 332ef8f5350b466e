/// An opening handshake or a plain HTTP request as one value, with all that is needed to decide about its admission.
package struct OpeningRequest: Sendable {
  package let method: String
  /// As sent, such as `/v2?workspace=a`.
  package let target: String
  /// The path of the target as sent, not percent-decoded.
  package let path: String
  /// The part after the first `?` of the target, as sent; nil without one.
  package let query: String?
  package let peer: Peer
  let headers: HandshakeHeaders

  /// The peer, as far as the connection itself shows.
  package struct Peer: Hashable, Sendable {
    /// Address and port, such as `127.0.0.1:50000`; nil if the connection is gone already.
    package var address: String?
    /// The subject of the peer's TLS certificate in the form of RFC 2253; nil without a certificate.
    package var certificateSubject: String?
    /// Whether the connection is encrypted with TLS.
    package var isSecure: Bool

    package init(address: String? = nil, certificateSubject: String? = nil, isSecure: Bool = false) {
      self.address = address
      self.certificateSubject = certificateSubject
      self.isSecure = isSecure
    }
  }

  /// - Parameters:
  ///   - target: the request target as sent (RFC 9112 §3.2), its path or the whole URL.
  ///   - headers: in order, names in any case, repeated ones as they came.
  package init(
    method: String, target: String, headers: some Sequence<(name: String, value: String)>, peer: Peer = Peer()
  ) {
    self.method = method
    self.target = target
    self.peer = peer
    self.headers = HandshakeHeaders(headers)
    (path, query) = Self.split(target)
  }

  /// The Origin header (RFC 6454 §7); nil if there is none, or more than one.
  package var origin: String? { headers.single("origin") }

  /// The Authorization header (RFC 9110 §11.6.2); nil if there is none, or more than one.
  package var authorization: String? { headers.single("authorization") }

  /// The subprotocols that are offered (RFC 6455 §4.1), the preferred one first.
  package var subprotocols: [String] { headers.list("sec-websocket-protocol").map(String.init) }

  private static func split(_ target: String) -> (path: String, query: String?) {
    var rest = target[...]
    for scheme in ["http://", "https://"]
    where rest.utf8.count >= scheme.utf8.count && rest.utf8.prefix(scheme.utf8.count).elementsEqual(scheme.utf8) {
      let authority = rest.utf8.dropFirst(scheme.utf8.count).prefix { !"/?#".utf8.contains($0) }
      rest = rest[authority.endIndex...]
      break
    }
    let path = rest.utf8.prefix { !"?#".utf8.contains($0) }
    let tail = rest.utf8[path.endIndex...]
    let query = tail.first == UInt8(ascii: "?") ? tail.dropFirst().prefix { $0 != UInt8(ascii: "#") } : nil
    return (path.isEmpty ? "/" : String(path)!, query.map { String($0)! })
  }
}
