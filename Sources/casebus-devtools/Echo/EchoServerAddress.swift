import CasebusConsole

/// The address of an echo server: `ws://host:port/path?query`; without a port 80, without a path `/`.
struct EchoServerAddress {
  var host: String
  var port: Int
  /// Path and query, for the request line.
  var target: String

  /// - Throws: `ValidationError` that says what would be right.
  init(commandLine text: String) throws {
    let url = try WebSocketURL(text, schemes: ["ws": 80])
    host = url.host
    port = url.port
    target = url.query.map { "\(url.path)?\($0)" } ?? url.path
  }
}
