import CasebusProtocol

/// The origin of a page: scheme, host and port (RFC 6454 §4). Two origins are equal if these are; their texts are never
/// compared.
package struct WebOrigin: Hashable, Sendable {
  package let scheme: String
  package let host: Host
  /// nil for schemes without ports, such as those of extensions.
  package let port: UInt16?

  package enum Host: Hashable, Sendable {
    /// In lower case. A trailing dot is part of the name: browsers distinguish `a.example.` from `a.example`.
    case name(String)
    case address(IPAddress)
  }

  private static let defaultPorts: [String: UInt16] = ["http": 80, "https": 443]
  private static let extensionSchemes: Set = ["chrome-extension", "moz-extension"]
  private static let bytesMax = 512

  /// - Parameter text: `scheme://host` or `scheme://host:port`, without user, path, query or fragment, in ASCII.
  /// - Returns: nil for anything else, such as `null`, other schemes, and host names with letters outside ASCII.
  package init?(_ text: String) {
    guard text.utf8.count <= Self.bytesMax, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
    let bytes = Array(text.utf8)
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else {
      return nil
    }
    scheme = String(decoding: bytes[..<colon], as: UTF8.self).lowercased()
    let rest = bytes[(colon + 3)...]
    if Self.extensionSchemes.contains(scheme) {
      guard let name = Self.name(rest), !name.utf8.contains(UInt8(ascii: ".")) else { return nil }
      (host, port) = (.name(name), nil)
    } else {
      guard let defaultPort = Self.defaultPorts[scheme] else { return nil }
      guard let authority = HostAndPort(rest) else { return nil }
      (host, port) = (authority.host, authority.port ?? defaultPort)
    }
  }

  /// Whether the page is served by this machine: `localhost`, 127.0.0.0/8 or ::1.
  package var isLoopback: Bool {
    guard port != nil else { return false }
    return host.isLoopback
  }

  /// - Returns: nil unless it is a name of 1–253 letters, digits, `-`, `_` and dots, no empty label but after the last dot.
  fileprivate static func name(_ bytes: ArraySlice<UInt8>) -> String? {
    guard (1...254).contains(bytes.count) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self).lowercased()
    var labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    if labels.count > 1, labels.last!.isEmpty { labels.removeLast() }
    for label in labels {
      guard (1...63).contains(label.count) else { return nil }
      guard label.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F })
      else {
        return nil
      }
    }
    return text
  }
}

extension WebOrigin.Host {
  package var isLoopback: Bool {
    switch self {
    case .name(let name): name == "localhost"
    case .address(let address): address.isLoopback
    }
  }
}

/// A host with an optional port, as in an origin and in the Host header (RFC 9110 §7.2).
struct HostAndPort: Hashable {
  let host: WebOrigin.Host
  let port: UInt16?

  init?(_ bytes: ArraySlice<UInt8>) {
    let hostBytes: ArraySlice<UInt8>
    let rest: ArraySlice<UInt8>
    if bytes.first == UInt8(ascii: "[") {
      guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
      hostBytes = bytes[(bytes.startIndex + 1)..<end]
      rest = bytes[(end + 1)...]
      guard hostBytes.contains(UInt8(ascii: ":")) else { return nil }
      guard let address = IPAddress(String(decoding: hostBytes, as: UTF8.self)) else { return nil }
      host = .address(address)
    } else {
      let end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
      hostBytes = bytes[..<end]
      rest = bytes[end...]
      guard let parsed = Self.host(hostBytes) else { return nil }
      host = parsed
    }
    guard !rest.isEmpty else {
      port = nil
      return
    }
    let digits = rest.dropFirst()
    guard rest.first == UInt8(ascii: ":"), (1...5).contains(digits.count) else { return nil }
    guard digits.allSatisfy({ (0x30...0x39).contains($0) }), digits.first != 0x30 else { return nil }
    guard let number = UInt16(String(decoding: digits, as: UTF8.self)) else { return nil }
    port = number
  }

  /// A host whose last label is a number is an IPv4 address (WHATWG URL §3.5) and must be written as one.
  private static func host(_ bytes: ArraySlice<UInt8>) -> WebOrigin.Host? {
    guard let name = WebOrigin.name(bytes) else { return nil }
    if case .v4(let number)? = IPAddress(name) { return .address(.v4(number)) }
    let last = name.utf8.split(separator: UInt8(ascii: ".")).last!
    let isNumber = last.allSatisfy { (0x30...0x39).contains($0) } || last.starts(with: "0x".utf8)
    return isNumber ? nil : .name(name)
  }
}
