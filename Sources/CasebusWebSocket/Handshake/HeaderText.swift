/// The grammar that header values share (RFC 9110 §5.6).
enum HeaderText {
  /// Without the spaces and tabs at both ends.
  static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while let first = text.utf8.first, isBlank(first) { text = text[text.utf8.index(after: text.startIndex)...] }
    while let last = text.utf8.last, isBlank(last) { text = text[..<text.utf8.index(before: text.endIndex)] }
    return text
  }

  /// The trimmed parts between separators; separators inside a quoted string are ignored.
  static func split(_ text: Substring, at separator: Unicode.Scalar) -> [Substring] {
    var parts: [Substring] = []
    var start = text.startIndex
    var quoting = Quoting.outside
    for index in text.unicodeScalars.indices {
      let scalar = text.unicodeScalars[index]
      if quoting == .outside, scalar == separator {
        parts.append(trimmed(text[start..<index]))
        start = text.unicodeScalars.index(after: index)
      }
      quoting = quoting.next(scalar)
    }
    return parts + [trimmed(text[start...])]
  }

  private enum Quoting {
    case outside
    case inside
    case escaped

    func next(_ scalar: Unicode.Scalar) -> Quoting {
      switch self {
      case .outside: scalar == "\"" ? .inside : .outside
      case .inside: scalar == "\"" ? .outside : scalar == "\\" ? .escaped : .inside
      case .escaped: .inside
      }
    }
  }

  /// RFC 9110 §5.6.2.
  static func isToken(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy(isTokenByte)
  }

  /// The value of a token or of a quoted string that holds one (RFC 6455 §9.1), else nil.
  static func tokenOrQuotedToken(_ text: Substring) -> String? {
    let quote = UInt8(ascii: "\"")
    guard text.utf8.first == quote else { return isToken(text) ? String(text) : nil }
    guard text.utf8.count >= 2, text.utf8.last == quote else { return nil }
    let inner = Substring(text.utf8.dropFirst().dropLast())
    return isToken(inner) ? String(inner) : nil
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default:
      "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}
