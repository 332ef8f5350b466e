package import NIOCore

/// An address at which clients can connect.
package struct ListeningAddress: Sendable {
  package let host: String
  package let port: Int
  package let isSecure: Bool

  package init(_ address: SocketAddress, isSecure: Bool = false) {
    host = address.ipAddress ?? "127.0.0.1"
    port = address.port ?? 0
    self.isSecure = isSecure
  }

  package var webSocketURL: String { "\(isSecure ? "wss" : "ws")://\(authority)/v2" }
  package var pageURL: String { "\(isSecure ? "https" : "http")://\(authority)/" }

  private var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
