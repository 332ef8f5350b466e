import CasebusProtocol

/// Whether the Host header names this broker. A page whose DNS name was rebound to the broker's address sends its own name
/// as Host, and has no foreign origin then: only the name tells.
package struct HostRules: Hashable, Sendable {
  private var names: Set<String> = []

  /// - Parameter names: the broker's own names, without ports; `localhost` need not be among them.
  /// - Returns: nil if one of them is not a host name or an IP address.
  package init?(names: [String] = []) {
    for name in names {
      let bytes = Array(name.utf8)
      guard let parsed = HostAndPort(bytes[...]), parsed.port == nil else { return nil }
      if case .name(let name) = parsed.host { self.names.insert(Self.withoutRoot(name)) }
    }
  }

  /// - Parameter header: the Host header as sent; nil if there is none, or more than one.
  package func accept(_ header: String?) -> Bool {
    guard let header, header.utf8.count <= 300, let parsed = HostAndPort(Array(header.utf8)[...]) else { return false }
    switch parsed.host {
    // No DNS answer can make a page's URL hold an address, so an address is never a rebound name.
    case .address: return true
    case .name(let name): return name == "localhost" || names.contains(Self.withoutRoot(name))
    }
  }

  /// The name without the dot of the DNS root: as Host, both forms name the same machine.
  private static func withoutRoot(_ name: String) -> String {
    name.utf8.last == UInt8(ascii: ".") ? String(name.dropLast()) : name
  }
}

extension WebOrigin {
  /// The broker's own origin as a client sees it.
  /// - Returns: nil if the header is not a host.
  package init?(ofHost header: String, isSecure: Bool) {
    self.init((isSecure ? "https://" : "http://") + header)
  }
}
