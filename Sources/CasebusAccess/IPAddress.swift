/// An IP address from text. An IPv4 address within IPv6 (`::ffff:192.0.2.1`, RFC 4291 §2.5.5.2) is the IPv4 address.
package enum IPAddress: Hashable, Sendable {
  case v4(UInt32)
  case v6(high: UInt64, low: UInt64)

  /// - Parameter text: dotted decimal without leading zeros, or IPv6 (RFC 4291 §2.2) without brackets and zone.
  package init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8.prefix(46))
    guard bytes.count <= 45 else { return nil }
    if let number = Self.v4(bytes[...]) {
      self = .v4(number)
      return
    }
    guard let groups = Self.v6(bytes[...]) else { return nil }
    let high = groups[..<4].reduce(0) { $0 << 16 | UInt64($1) }
    let low = groups[4...].reduce(0) { $0 << 16 | UInt64($1) }
    self = high == 0 && low >> 32 == 0xFFFF ? .v4(UInt32(truncatingIfNeeded: low)) : .v6(high: high, low: low)
  }

  /// This machine itself: 127.0.0.0/8 or ::1.
  package var isLoopback: Bool {
    switch self {
    case .v4(let number): number >> 24 == 127
    case .v6(let high, let low): high == 0 && low == 1
    }
  }

  private static func v4(_ text: ArraySlice<UInt8>) -> UInt32? {
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var number: UInt32 = 0
    for part in parts {
      guard (1...3).contains(part.count), part.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
      guard part.count == 1 || part.first != 0x30 else { return nil }
      let value = part.reduce(0) { $0 * 10 + UInt32($1 - 0x30) }
      guard value <= 255 else { return nil }
      number = number << 8 | value
    }
    return number
  }

  private static func v6(_ text: ArraySlice<UInt8>) -> [UInt16]? {
    let colon = UInt8(ascii: ":")
    var gap: Int?
    for index in text.indices.dropLast() where text[index] == colon && text[index + 1] == colon {
      guard gap == nil else { return nil }
      gap = index
    }
    guard let gap else {
      guard let groups = groups(text), groups.count == 8 else { return nil }
      return groups
    }
    let before = text[..<gap]
    let after = text[(gap + 2)...]
    guard let head = before.isEmpty ? [] : groups(before, mayEndInV4: false),
      let tail = after.isEmpty ? [] : groups(after)
    else { return nil }
    guard head.count + tail.count <= 7 else { return nil }
    return head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
  }

  private static func groups(_ text: ArraySlice<UInt8>, mayEndInV4: Bool = true) -> [UInt16]? {
    let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    var groups: [UInt16] = []
    for (index, part) in parts.enumerated() {
      if mayEndInV4, index == parts.count - 1, let number = v4(part) {
        groups += [UInt16(number >> 16), UInt16(truncatingIfNeeded: number)]
      } else {
        guard (1...4).contains(part.count) else { return nil }
        guard let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16), part.first != UInt8(ascii: "+")
        else {
          return nil
        }
        groups.append(group)
      }
    }
    return groups
  }
}

/// Whom attempts are counted for: an IPv4 address, or a /64 network of IPv6. One client is given a /64 (RFC 6177) and can
/// take any address of it.
package enum AddressNetwork: Hashable, Sendable {
  case v4(UInt32)
  case v6(UInt64)
  /// ::1 is alone in its network.
  case loopback

  package init(_ address: IPAddress) {
    switch address {
    case .v4(let number): self = .v4(number)
    case .v6(0, 1): self = .loopback
    case .v6(let high, _): self = .v6(high)
    }
  }
}
