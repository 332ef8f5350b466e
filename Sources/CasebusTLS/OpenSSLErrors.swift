internal import COpenSSL

#if canImport(Glibc)
  internal import Glibc
#endif

/// The content of OpenSSL's error queue. The queue belongs to the thread, not to a connection: it is cleared before each call
/// that can fail, and read completely after a failure, so that an error is never reported on another connection.
struct OpenSSLErrors {
  struct Entry {
    let library: Int32
    let reason: Int32
    let name: String
    /// The subject of the failed call; empty for most.
    let detail: String

    var text: String { detail.isEmpty ? name : "\(name) (\(detail))" }
  }

  /// The oldest, deepest cause first.
  let entries: [Entry]

  static func clear() {
    ERR_clear_error()
  }

  /// Takes all errors out of the queue.
  static func take() -> OpenSSLErrors {
    var entries: [Entry] = []
    var data: UnsafePointer<CChar>?
    var flags: Int32 = 0
    while true {
      let code = ERR_get_error_all(nil, nil, nil, &data, &flags)
      guard code != 0 else { return OpenSSLErrors(entries: entries) }
      let detail = flags & ERR_TXT_STRING != 0 ? data.map { String(cString: $0) } : nil
      entries.append(entry(code, detail: detail))
    }
  }

  private static func entry(_ code: UInt, detail: String?) -> Entry {
    let reason = ERR_GET_REASON(code)
    let name =
      ERR_GET_LIB(code) == ERR_LIB_SYS
      ? strerror(reason) : UnsafeMutablePointer(mutating: ERR_reason_error_string(code))
    let text = name.map { String(cString: $0) } ?? "error \(reason)"
    return Entry(library: ERR_GET_LIB(code), reason: reason, name: text, detail: detail ?? "")
  }

  /// OpenSSL's texts for all of them, for people.
  var text: String {
    entries.isEmpty ? "no reason given" : entries.map(\.text).joined(separator: "; ")
  }

  /// The alert that the peer sent (RFC 8446 §6); nil for other failures.
  var alert: String? {
    guard let last = entries.last, last.library == ERR_LIB_SSL, last.reason > SSL_AD_REASON_OFFSET else { return nil }
    return String(cString: SSL_alert_desc_string_long(last.reason - SSL_AD_REASON_OFFSET))
  }

  func contains(library: Int32, reason: Int32) -> Bool {
    entries.contains { $0.library == library && $0.reason == reason }
  }
}
