import NIOCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The addresses that a host to listen on stands for.
enum ListenAddress {
  /// - Parameter host: an address, also in brackets as in a URL, or a name.
  /// - Returns: at least one, those of IPv4 first.
  static func addresses(of host: String, port: Int) throws(ListenError) -> [SocketAddress] {
    let name = withoutBrackets(host)
    if let address = try? SocketAddress(ipAddress: name, port: port) { return [address] }
    // RFC 6761 §6.3, also if /etc/hosts has only one of them.
    let texts = name.lowercased() == "localhost" ? ["127.0.0.1", "::1"] : try numericAddresses(of: name, port)
    let addresses = texts.compactMap { try? SocketAddress(ipAddress: $0, port: port) }
    return addresses.filter { $0.protocol == .inet } + addresses.filter { $0.protocol == .inet6 }
  }

  /// `[::1]` is how a URL writes `::1` (RFC 3986 §3.2.2).
  private static func withoutBrackets(_ host: String) -> String {
    host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
  }

  private static func numericAddresses(of name: String, _ port: Int) throws(ListenError) -> [String] {
    var hints = addrinfo()
    hints.ai_socktype = Self.stream
    var first: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(name, nil, &hints, &first)
    guard code == 0, let first else {
      throw ListenError(
        address: "\(name):\(port)",
        reason: "\(String(cString: gai_strerror(code))), expected an address or a name of this machine")
    }
    defer { freeaddrinfo(first) }
    var texts: [String] = []
    for info in sequence(first: first, next: { $0.pointee.ai_next }) {
      if let text = text(of: info.pointee), !texts.contains(text) { texts.append(text) }
    }
    return texts
  }

  private static func text(of info: addrinfo) -> String? {
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let code = getnameinfo(
      info.ai_addr, info.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
    return code == 0 ? String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
  }

  private static var stream: CInt {
    #if canImport(Glibc)
      CInt(SOCK_STREAM.rawValue)
    #else
      SOCK_STREAM
    #endif
  }
}

/// Listens on one port at several addresses.
struct PortBinding {
  let addresses: [SocketAddress]
  let bindOne: (SocketAddress) async throws -> any Channel

  /// The port that the system chose for the first address can be in use at another one. Then the system chooses again.
  private static var attemptsMax: Int { 10 }

  /// Listens at those addresses that this machine has: `localhost` can stand for IPv4 and IPv6 on a machine that has
  /// only one of them.
  func bind() async throws -> [any Channel] {
    for _ in 1..<Self.attemptsMax {
      do {
        return try await bindAll()
      } catch let error as ListenError {
        guard error.isTaken, addresses[0].port == 0, addresses.count > 1 else { throw error }
      }
    }
    return try await bindAll()
  }

  private func bindAll() async throws -> [any Channel] {
    var channels: [any Channel] = []
    var missing: ListenError?
    for var address in addresses {
      if let port = channels.first?.localAddress?.port { address.port = port }
      do {
        channels.append(try await bindOne(address))
      } catch let error as IOError {
        let failure = ListenError(address, error.errnoCode)
        guard failure.isMissing else {
          for channel in channels { try? await channel.close() }
          throw failure
        }
        missing = missing ?? failure
      }
    }
    guard let missing, channels.isEmpty else { return channels }
    throw missing
  }
}

/// The error when listening on a port fails.
package struct ListenError: Error, Hashable, Sendable {
  /// Address and port.
  package let address: String
  /// The system's message, and what would be right.
  package let reason: String
  private let errnoCode: CInt

  init(address: String, reason: String) {
    self.address = address
    self.reason = reason
    errnoCode = 0
  }

  init(_ address: SocketAddress, _ errnoCode: CInt) {
    let host = address.ipAddress ?? "?"
    self.address = "\(host.contains(":") ? "[\(host)]" : host):\(address.port ?? 0)"
    self.errnoCode = errnoCode
    reason = String(cString: strerror(errnoCode)) + Self.advice(for: errnoCode)
  }

  /// Another process listens there.
  var isTaken: Bool { errnoCode == EADDRINUSE }
  /// This machine does not have the address or its family.
  var isMissing: Bool { [EADDRNOTAVAIL, EAFNOSUPPORT].contains(errnoCode) }

  private static func advice(for errnoCode: CInt) -> String {
    switch errnoCode {
    case EADDRINUSE: " (another process listens there: end it, or choose another port)"
    case EADDRNOTAVAIL: " (no interface of this machine has it: see ip address)"
    case EACCES: " (ports below 1024 need rights of their own: choose a greater one)"
    case _: ""
    }
  }
}
