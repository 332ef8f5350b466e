package import CasebusProtocol

/// A name of a request or event, or the beginning of several, as in lists of allowed names: `voice.dial`, `agent.*`, `*`.
/// Names are compared by their bytes.
package enum NamePattern: Hashable, Sendable, CustomStringConvertible {
  case all
  /// Includes the last dot: `agent.`.
  case prefix(Identifier)
  case exactly(Identifier)

  /// - Returns: nil unless the text is `*`, a name, or a name followed by `.*`; names are 1–160 bytes of printable ASCII
  ///   without `*`, commas and parentheses.
  package init?(_ text: String) {
    guard (1...160).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
    guard !text.utf8.contains(where: { "(),".utf8.contains($0) }) else { return nil }
    switch text.utf8.firstIndex(of: UInt8(ascii: "*")) {
    case nil: self = .exactly(Identifier(text))
    case let star? where star == text.utf8.index(text.utf8.endIndex, offsetBy: -1):
      let beginning = String(text.dropLast())
      if beginning.isEmpty {
        self = .all
      } else {
        guard beginning.utf8.count > 1, beginning.utf8.last == UInt8(ascii: ".") else { return nil }
        self = .prefix(Identifier(beginning))
      }
    case _?: return nil
    }
  }

  package func matches(_ name: String) -> Bool {
    switch self {
    case .all: true
    case .prefix(let beginning): name.utf8.count > beginning.text.utf8.count && name.hasBytePrefix(beginning.text)
    case .exactly(let exact): name.hasSameBytes(as: exact.text)
    }
  }

  package var description: String {
    switch self {
    case .all: "*"
    case .prefix(let beginning): "\(beginning)*"
    case .exactly(let name): name.text
    }
  }
}
