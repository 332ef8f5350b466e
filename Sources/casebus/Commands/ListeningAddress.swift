import CasebusServer
import NIOCore

/// Where clients can connect.
struct ListeningAddress {
  let host: String
  let port: Int
  let isSecure: Bool

  init(_ address: SocketAddress, isSecure: Bool = false) {
    host = address.ipAddress ?? "127.0.0.1"
    port = address.port ?? 0
    self.isSecure = isSecure
  }

  var webSocketURL: String { "\(isSecure ? "wss" : "ws")://\(authority)/v2" }
  var pageURL: String { "\(isSecure ? "https" : "http")://\(authority)/" }

  private var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// All ports of a broker, the one without TLS first.
struct BrokerAddresses {
  let all: [ListeningAddress]

  init(_ addresses: ListeningAddresses) {
    all = addresses.plain.map { ListeningAddress($0) } + addresses.tls.map { ListeningAddress($0, isSecure: true) }
  }

  /// Where a client without special wishes connects.
  var first: ListeningAddress { all[0] }
  var tls: ListeningAddress? { all.first(where: \.isSecure) }
}
