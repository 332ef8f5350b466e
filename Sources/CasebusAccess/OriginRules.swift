import CasebusProtocol

/// Which pages may use the broker: the option `service-client-api.accepted-web-content-origins` in the vendor's syntax.
///
///     http://a.example, http://b.example (*), http://c.example (agent.*, voice.dial)
///
/// An origin without parentheses may make all requests. `*` means every origin; `null` is an origin only if it is named.
package struct OriginRules: Hashable, Sendable {
  private var origins: [WebOrigin: OriginRequests] = [:]
  private var anyOrigin: OriginRequests?
  private var opaqueOrigin: OriginRequests?
  /// Whether the broker's own pages and those of this machine are accepted, too.
  private let acceptsOwn: Bool

  /// The number of origins that one option can name.
  package static let originsMax = 1024

  /// Without the option: the broker's own origin and pages of this machine.
  package static let `default` = OriginRules(acceptsOwn: true)

  private init(acceptsOwn: Bool) {
    self.acceptsOwn = acceptsOwn
  }

  /// - Parameter text: the value of the option; empty accepts no page but the broker's own.
  /// - Throws: what is wrong with which entry.
  package init(parsing text: String) throws(OriginRulesError) {
    acceptsOwn = true
    let entries = try Self.entries(of: text)
    guard entries.count <= Self.originsMax else {
      throw OriginRulesError("\(entries.count) origins are named, expected \(Self.originsMax) at most")
    }
    for entry in entries { try add(entry) }
  }

  private mutating func add(_ entry: Entry) throws(OriginRulesError) {
    let requests = try OriginRequests(entry)
    var isNew = true
    switch Identifier(entry.origin) {
    case "*":
      isNew = anyOrigin == nil
      anyOrigin = requests
    case "null":
      isNew = opaqueOrigin == nil
      opaqueOrigin = requests
    case let text:
      guard let origin = WebOrigin(text.text) else { throw .badOrigin(entry.origin) }
      isNew = origins.updateValue(requests, forKey: origin) == nil
    }
    guard isNew else { throw OriginRulesError("the origin \(entry.origin.quoted) is named twice, expected once") }
  }

  /// Decides about the Origin header of a handshake or an HTTP request.
  /// - Parameters:
  ///   - header: as sent; a request without the header is not from a browser and is not asked about here.
  ///   - own: the broker's own origin as this client sees it, from the scheme of the connection and its Host header.
  /// - Returns: what the page may request; nil if it is refused.
  package func requests(allowedFor header: String, own: WebOrigin?) -> OriginRequests? {
    if header.hasSameBytes(as: "null") { return opaqueOrigin }
    guard let origin = WebOrigin(header) else { return nil }
    if let requests = origins[origin] { return requests }
    if acceptsOwn, origin == own || origin.isLoopback { return anyOrigin ?? .all }
    return anyOrigin
  }
}

/// The requests that pages of an origin may make.
package struct OriginRequests: Hashable, Sendable {
  private let patterns: [NamePattern]

  package static let all = OriginRequests(patterns: [.all])

  /// What no `*` allows: a page gets the agent's own token only if the option names this request for its origin.
  private static let onlyByName: Identifier = "auth.getJwtToken"

  private init(patterns: [NamePattern]) {
    self.patterns = patterns
  }

  fileprivate init(_ entry: OriginRules.Entry) throws(OriginRulesError) {
    guard let requests = entry.requests else {
      patterns = [.all]
      return
    }
    var patterns: [NamePattern] = []
    for name in requests {
      guard let pattern = NamePattern(name) else {
        throw OriginRulesError(
          "\(name.quoted) of the origin \(entry.origin.quoted) is no request, expected a name such as voice.dial, agent.* or *"
        )
      }
      patterns.append(pattern)
    }
    self.patterns = patterns
  }

  package func allow(_ name: String) -> Bool {
    guard Identifier(name) != Self.onlyByName else { return patterns.contains(.exactly(Self.onlyByName)) }
    return patterns.contains { $0.matches(name) }
  }
}

/// What is wrong with the option.
package struct OriginRulesError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String

  fileprivate init(_ description: String) {
    self.description = description
  }

  fileprivate static func badOrigin(_ text: String) -> OriginRulesError {
    guard text.utf8.allSatisfy({ $0 < 0x80 }) else {
      return OriginRulesError(
        "the origin \(text.quoted) has letters outside ASCII, expected the name as browsers send it (xn--…)")
    }
    return OriginRulesError(
      "\(text.quoted) is no origin, expected scheme://host or scheme://host:port, such as https://crm.example, without a path"
    )
  }
}

extension OriginRules {
  /// One origin of the option, as it is written.
  fileprivate struct Entry {
    var origin: String
    /// nil without parentheses.
    var requests: [String]?
  }

  private static func entries(of text: String) throws(OriginRulesError) -> [Entry] {
    var entries: [Entry] = []
    var rest = text.utf8[...].trimmed
    guard !rest.isEmpty else { return [] }
    while true {
      let origin = rest.prefix { !",(".utf8.contains($0) }
      var entry = Entry(origin: String(Substring(origin.trimmed)))
      rest = rest[origin.endIndex...]
      if rest.first == UInt8(ascii: "(") {
        guard let end = rest.firstIndex(of: UInt8(ascii: ")")) else {
          throw OriginRulesError("the parenthesis after \(entry.origin.quoted) is not closed, expected \")\"")
        }
        let inside = rest[rest.index(after: rest.startIndex)..<end].trimmed
        entry.requests = inside.isEmpty ? [] : inside.names
        rest = rest[rest.index(after: end)...].trimmed
      }
      guard !entry.origin.isEmpty else {
        throw OriginRulesError("entry \(entries.count + 1) is empty, expected an origin such as https://crm.example")
      }
      entries.append(entry)
      guard let next = rest.first else { return entries }
      guard next == UInt8(ascii: ",") else {
        throw OriginRulesError(
          "\(String(Substring(rest.prefix(32))).quoted) follows the origin \(entry.origin.quoted), expected a comma")
      }
      rest = rest.dropFirst().trimmed
    }
  }
}

extension Substring.UTF8View {
  fileprivate var trimmed: Substring.UTF8View {
    var text = self
    while let byte = text.first, byte.isBlank { text = text.dropFirst() }
    while let byte = text.last, byte.isBlank { text = text.dropLast() }
    return text
  }

  /// The parts between commas, without the blanks around them.
  fileprivate var names: [String] {
    split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { String(Substring($0.trimmed)) }
  }
}

extension UInt8 {
  fileprivate var isBlank: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }
}

extension String {
  /// On one line, without control characters.
  var quoted: String { JSONValue.string(self).jsonText }
}
