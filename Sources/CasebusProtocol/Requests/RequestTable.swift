/// All requests (Protocol §10). A new one is a row in the file of its namespace, a row of `registry/requests.json`, and its
/// behaviour in the broker.
public enum RequestTable {
  /// The signatures of all requests.
  public static let signatures: [RequestSignature] =
    ConsumerRequests.signatures + InteractionRequests.signatures + MessengerRequests.signatures
    + SystemRequests.signatures

  /// The names of the requests that work on a connection, in ascending order of their bytes, without aliases.
  public static func names(on scope: RequestScope) -> [String] {
    signatures.filter { $0.scopes.contains(scope) }.map(\.name).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The request that has a name or alias; nil if there is none.
  public static func signature(named name: String) -> RequestSignature? {
    rows[Identifier(name)].map { signatures[$0.index] }
  }

  /// The row of each request, by its names and aliases.
  static let rows: [Identifier: RequestRow] = Dictionary(
    uniqueKeysWithValues: signatures.enumerated().flatMap { index, signature in
      ([signature.name] + signature.aliases).map { (Identifier($0), RequestRow(index: index)) }
    })

  /// Puts one value per request, such as its behaviour in the broker, into the order of ``signatures``.
  /// - Parameter values: by the names of the requests, exactly one for each.
  package static func complete<Value>(_ values: [Identifier: Value]) -> [Value] {
    precondition(values.count == signatures.count, "there are \(signatures.count) requests, expected a value for each")
    return signatures.map { signature in
      guard let value = values[Identifier(signature.name)] else {
        preconditionFailure("\(signature.name) has no value")
      }
      return value
    }
  }

  /// The known name that is nearest to an unknown one; nil if none is near.
  static func nearestName(to name: String) -> String? {
    name.nearest(among: signatures.map(\.name))
  }
}

/// The place of a request in ``RequestTable/signatures``: found once, when its message is decoded.
package struct RequestRow: Hashable, Sendable {
  package let index: Int
}
