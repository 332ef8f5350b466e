import NIOCore

/// The key by which connections are counted: an IPv4 address, or a /64 network of IPv6. A client usually has such a
/// network (RFC 6177) and can use any number of its addresses.
struct ClientAddress: Hashable, CustomStringConvertible {
  private let high: UInt64
  private let low: UInt64

  private static var mappedPrefix: UInt64 { 0xFFFF << 32 }
  private static var loopback: UInt8 { 127 }

  /// - Parameter address: all connections without an IP address count as one address.
  init(_ address: SocketAddress?) {
    switch address {
    // The address in sockaddr_in and sockaddr_in6 (ip(7), ipv6(7)), in network order.
    case .v4(let address): self.init(high: 0, low: Self.mappedPrefix | Self.number(address.address, at: 4, bytes: 4))
    case .v6(let address):
      self.init(
        high: Self.number(address.address, at: 8, bytes: 8), low: Self.number(address.address, at: 16, bytes: 8))
    case .unixDomainSocket, nil: self.init(high: 0, low: 0)
    }
  }

  private init(high: UInt64, low: UInt64) {
    self.high = high
    // RFC 4291 §2.5.5.2: an IPv4 client of a socket for both families. Only ::1 is kept whole besides.
    self.low = high == 0 && (low >> 32 == 0xFFFF || low == 1) ? low : 0
  }

  private static func number(_ address: some Any, at offset: Int, bytes count: Int) -> UInt64 {
    withUnsafeBytes(of: address) { $0[offset..<offset + count].reduce(0) { $0 << 8 | UInt64($1) } }
  }

  private var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

  /// This machine itself.
  var isLoopback: Bool {
    isIPv4 ? UInt8(truncatingIfNeeded: low >> 24) == Self.loopback : high == 0 && low == 1
  }

  var description: String {
    guard !isIPv4 else {
      return stride(from: 24, through: 0, by: -8).map { "\(low >> $0 & 0xFF)" }.joined(separator: ".")
    }
    guard !isLoopback else { return "::1" }
    let groups = stride(from: 48, through: 0, by: -16).map { String(high >> $0 & 0xFFFF, radix: 16) }
    return groups.joined(separator: ":") + "::/64"
  }
}
