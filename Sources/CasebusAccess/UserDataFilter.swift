package import CasebusProtocol

/// Which keys of `userData` clients read and write: the options `service-client-api.user-data.read-allowed` and
/// `service-client-api.user-data.write-allowed`.
package enum UserDataFilter: Hashable, Sendable {
  case all
  case keys(Set<Identifier>)

  /// - Parameter option: `*`, or keys separated by commas; blanks around keys do not count, and empty ones are left out.
  package init(parsing option: String) {
    let keys = option.split(separator: ",").map { Identifier(String($0.trimmingBlanks)) }.filter { !$0.text.isEmpty }
    self = keys.contains("*") ? .all : .keys(Set(keys))
  }

  package func allows(_ key: String) -> Bool {
    switch self {
    case .all: true
    case .keys(let keys): keys.contains(Identifier(key))
    }
  }

  /// The members that may be read, in their order.
  package func readable(_ userData: JSONObject) -> JSONObject {
    guard case .keys = self else { return userData }
    var rest = JSONObject()
    for (key, value) in userData where allows(key) { rest[key] = value }
    return rest
  }

  /// Checks the keys that a request writes or deletes.
  package func write(_ keys: some Sequence<String>) throws(AccessDenial) {
    let refused = keys.filter { !allows($0) }
    guard !refused.isEmpty else { return }
    // A client can send thousands of keys; a failure's message has a limit of its own.
    let listed = refused.prefix(16).map(\.quoted).joined(separator: ", ")
    throw AccessDenial("user data: the keys \(listed)\(refused.count > 16 ? ", …" : "") may not be written")
  }
}

extension Substring {
  fileprivate var trimmingBlanks: Substring {
    var text = self
    while text.first == " " || text.first == "\t" { text.removeFirst() }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return text
  }
}
