internal import NIOCore

/// Detects plain HTTP: the first byte of TLS is 22, never a letter.
struct PlainHTTPDetector {
  private static let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI"]
    .map { Array("\($0) ".utf8) }

  enum Verdict {
    case http
    case somethingElse
    /// Not enough bytes yet.
    case undecided
  }

  static func verdict(_ bytes: ByteBufferView) -> Verdict {
    for method in methods where bytes.first == method[0] {
      if bytes.starts(with: method) { return .http }
      if method.starts(with: bytes) { return .undecided }
    }
    return bytes.isEmpty ? .undecided : .somethingElse
  }

  /// The answer that such a client can read.
  static let answer: String = {
    let body = "this port speaks TLS: use https:// and wss://\n"
    return """
      HTTP/1.1 400 Bad Request\r
      Content-Type: text/plain; charset=utf-8\r
      Content-Length: \(body.utf8.count)\r
      Connection: close\r
      \r
      \(body)
      """
  }()
}
