/// One HTTP header field.
package struct HandshakeHeader: Hashable, Sendable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// The header fields of one HTTP message, looked up without regard to case (RFC 9110 §5.1).
struct HandshakeHeaders: Sendable {
  private let fields: [(name: String, value: String)]

  init(_ fields: some Sequence<(name: String, value: String)>) {
    self.fields = fields.map { (name: $0.name.lowercased(), value: $0.value) }
  }

  /// The values of every field with this lower-case name, in order.
  func values(_ name: String) -> [String] {
    fields.filter { $0.name == name }.map { String(HeaderText.trimmed($0.value[...])) }
  }

  /// The value if there is exactly one.
  func single(_ name: String) -> String? {
    let values = values(name)
    return values.count == 1 ? values[0] : nil
  }

  /// The elements of a comma-separated list, which may be spread over several fields (RFC 9110 §5.3, §5.6.1).
  func list(_ name: String) -> [Substring] {
    values(name).flatMap { HeaderText.split($0[...], at: ",").filter { !$0.isEmpty } }
  }

  /// Whether the list has this lower-case token, in any case.
  func hasToken(_ token: String, in name: String) -> Bool {
    // The lengths first, because `==` normalizes, which takes long for a letter with thousands of combining marks.
    list(name).contains { $0.utf8.count == token.utf8.count && $0.lowercased() == token }
  }
}
