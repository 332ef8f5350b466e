/// A host and a port, as URLs and the `Host` field of a request have them (RFC 3986 §3.2).
struct Authority: CustomStringConvertible {
  /// A name or an address; an IPv6 address without brackets, with its zone if it has one (`fe80::1%eth0`).
  let host: String
  let port: Int

  /// - Parameter host: an IPv6 address may be in brackets.
  init(host: String, port: Int) {
    self.host = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    self.port = port
  }

  /// The host without its zone, because a zone is valid on this machine only (RFC 6874 §4).
  var name: String { host.contains(":") ? String(host.prefix { $0 != "%" }) : host }

  var description: String { host.contains(":") ? "[\(name)]:\(port)" : "\(host):\(port)" }
}
