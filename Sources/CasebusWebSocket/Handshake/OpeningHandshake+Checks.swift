/// RFC 6455 §4.2.1, in the order of its list.
extension OpeningHandshake {
  static func checkRequestLine(method: String, target: String) throws(OpeningHandshakeRejection) {
    guard method == "GET" else {
      throw OpeningHandshakeRejection(
        status: 405, "a WebSocket opens with GET, not \(method)", headers: [HandshakeHeader("Allow", "GET")])
    }
    guard isTarget(target) else {
      throw OpeningHandshakeRejection(status: 400, "the request target must be a path or a URL without a fragment")
    }
  }

  static func checkUpgrade(_ headers: HandshakeHeaders) throws(OpeningHandshakeRejection) {
    guard let host = headers.single("host"), !host.isEmpty else {
      throw OpeningHandshakeRejection(status: 400, "exactly one Host header is needed")
    }
    guard headers.hasToken("websocket", in: "upgrade") else {
      throw OpeningHandshakeRejection(status: 400, "the Upgrade header must name websocket")
    }
    guard headers.hasToken("upgrade", in: "connection") else {
      throw OpeningHandshakeRejection(status: 400, "the Connection header must name Upgrade")
    }
    try checkVersion(headers)
  }

  static func key(_ headers: HandshakeHeaders) throws(OpeningHandshakeRejection) -> String {
    guard let key = headers.single("sec-websocket-key"), Base64.encodesSixteenBytes(key) else {
      throw OpeningHandshakeRejection(status: 400, "exactly one Sec-WebSocket-Key with 16 bytes in Base64 is needed")
    }
    return key
  }

  /// RFC 6455 §4.4; RFC 9110 §15.5.22 asks for the Upgrade header.
  private static func checkVersion(_ headers: HandshakeHeaders) throws(OpeningHandshakeRejection) {
    guard headers.single("sec-websocket-version")?.utf8.elementsEqual("13".utf8) == true else {
      throw OpeningHandshakeRejection(
        status: 426, "Sec-WebSocket-Version must be 13",
        headers: [
          HandshakeHeader("Sec-WebSocket-Version", "13"), HandshakeHeader("Upgrade", "websocket"),
          HandshakeHeader("Connection", "Upgrade"),
        ])
    }
  }

  /// RFC 6455 §3, §4.1: origin or absolute form, visible ASCII, no fragment.
  private static func isTarget(_ target: String) -> Bool {
    // The bytes first, because comparing texts that are not ASCII normalizes them.
    guard target.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else { return false }
    let lowercased = target.lowercased()
    return target.hasPrefix("/") || lowercased.hasPrefix("http://") || lowercased.hasPrefix("https://")
  }
}

/// Sec-WebSocket-Accept (RFC 6455 §4.2.2 item 5.4).
enum WebSocketAccept {
  private static let suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

  static func value(key: String) -> String {
    Base64.encode(SHA1.digest((key + suffix).utf8))
  }
}
