import ArgumentParser
import FoundationEssentials

/// The parts of a URL of the command line (RFC 3986, RFC 6455 §3).
package struct WebSocketURL {
  package let scheme: String
  /// A name or an address, an IPv6 address without brackets.
  package let host: String
  package let port: Int
  /// `/` if there is none.
  package let path: String
  package let query: String?
  private let text: String

  /// - Parameters:
  ///   - schemes: the accepted ones, each with its default port.
  ///   - defaultScheme: the scheme of a text without one; nil if it is required.
  /// - Throws: `ValidationError` that says what would be right.
  package init(_ text: String, schemes: [String: Int], defaultScheme: String? = nil) throws {
    self.text = text
    let isWhole = text.contains("://") || defaultScheme == nil
    guard let components = URLComponents(string: isWhole ? text : "\(defaultScheme!)://\(text)") else {
      throw Self.notAURL(text)
    }
    scheme = components.scheme ?? ""
    host = Self.withoutBrackets(components.host ?? "")
    port = components.port ?? schemes[scheme] ?? 0
    path = components.percentEncodedPath.isEmpty ? "/" : components.percentEncodedPath
    query = components.percentEncodedQuery
    let names = schemes.keys.sorted().map { "\($0)://" }.joined(separator: " or ")
    try check(schemes[scheme] != nil, "expected \(names) at its beginning")
    try check(!host.isEmpty, "it has no host, expected \(scheme)://HOST:PORT")
    try check((1...65_535).contains(port), "its port is \(port), expected 1 to 65535")
    try check(components.user == nil && components.fragment == nil, "expected \(scheme)://HOST:PORT and a path")
  }

  package func check(_ isRight: Bool, _ complaint: String) throws {
    guard isRight else { throw ValidationError("the URL is \(text): \(complaint)") }
  }

  /// RFC 3986 §3.2.2 writes IPv6 addresses in brackets; nobody else does.
  private static func withoutBrackets(_ host: String) -> String {
    host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
  }

  private static func notAURL(_ text: String) -> ValidationError {
    let authority = text.split(separator: "//").last ?? ""
    let isAddress = authority.count { $0 == ":" } > 1 && !authority.contains("[")
    let right = isAddress ? "an IPv6 address in brackets, such as ws://[::1]:8080/v2" : "ws://HOST:PORT/v2"
    return ValidationError("the URL is \(text), expected \(right)")
  }
}
