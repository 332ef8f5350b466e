import ArgumentParser
import FoundationEssentials

/// Where an echo server listens: `ws://host:port/path?query`; without a port 80, without a path `/`.
struct EchoServerAddress: ExpressibleByArgument {
  var host: String
  var port: Int
  /// Path and query, for the request line.
  var target: String

  init?(argument: String) {
    guard let components = URLComponents(string: argument), components.scheme == "ws",
      let host = components.host, !host.isEmpty, components.fragment == nil, components.user == nil
    else { return nil }
    let path = components.percentEncodedPath.isEmpty ? "/" : components.percentEncodedPath
    self.host = host
    port = components.port ?? 80
    target = components.percentEncodedQuery.map { "\(path)?\($0)" } ?? path
  }
}
