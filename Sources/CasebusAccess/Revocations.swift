package import CasebusProtocol

/// Which tokens are no longer good, by their `jti`, their subject or their workspaces.
package struct Revocations: Hashable, Sendable {
  /// What is revoked.
  package enum Target: Hashable, Sendable {
    /// One token, by its claim `jti`.
    case token(Identifier)
    /// All tokens of a subject that were made before the revocation.
    case subject(Identifier)
    /// All tokens that allow exactly this workspace or pattern and were made before the revocation.
    case workspace(WorkspacePattern)
  }

  package struct Entry: Hashable, Sendable {
    /// Seconds since 1970: tokens made at this time or earlier are revoked, and those that do not say when.
    package var madeUntil: Int64
    /// Seconds since 1970: then every revoked token has expired, and the entry can be forgotten. nil for never.
    package var keepUntil: Int64?

    package init(madeUntil: Int64, keepUntil: Int64? = nil) {
      self.madeUntil = madeUntil
      self.keepUntil = keepUntil
    }
  }

  package enum OnRevoke: Hashable, Sendable {
    case revoked
    /// The limit is hit and no entry could be forgotten.
    case full(limit: Int)
  }

  package private(set) var entries: [Target: Entry] = [:]
  private let entriesMax: Int

  /// - Parameter entriesMax: `revocationsMax` of `registry/limits.json`.
  package init(entriesMax: Int = 65_536) {
    self.entriesMax = entriesMax
  }

  /// - Parameter now: seconds since 1970.
  package mutating func revoke(_ target: Target, _ entry: Entry, at now: Int64) -> OnRevoke {
    if entries[target] == nil, entries.count >= entriesMax {
      entries = entries.filter { $0.value.keepUntil.map { now < $0 } ?? true }
      guard entries.count < entriesMax else { return .full(limit: entriesMax) }
    }
    var entry = entry
    if let old = entries[target] {
      entry.madeUntil = max(entry.madeUntil, old.madeUntil)
      entry.keepUntil = old.keepUntil.flatMap { old in entry.keepUntil.map { max(old, $0) } }
    }
    entries[target] = entry
    return .revoked
  }

  /// Whether the token of a principal is revoked. A broker without authentication has no tokens.
  package func isRevoked(_ principal: Principal) -> Bool {
    guard !entries.isEmpty, let grant = principal.grant else { return false }
    if let id = grant.tokenID, entries[.token(id)] != nil { return true }
    if let name = principal.name, isRevoked(.subject(name), grant) { return true }
    return grant.workspaces.contains { isRevoked(.workspace($0), grant) }
  }

  private func isRevoked(_ target: Target, _ grant: Grant) -> Bool {
    guard let entry = entries[target] else { return false }
    return grant.issuedAt.map { $0 <= entry.madeUntil } ?? true
  }
}

// MARK: - The file

extension Revocations {
  /// Reads the file: `{"revoked":[{"jti":"…"},{"subject":"…","madeUntil":1790000000},{"workspace":"team-a.*"}]}`.
  /// An entry without `madeUntil` revokes all tokens of its target.
  /// - Throws: which entry is wrong; then no entry is taken.
  package init(parsing json: JSONValue, entriesMax: Int = 65_536) throws(RevocationsError) {
    self.init(entriesMax: entriesMax)
    guard let rows = json["revoked"]?.arrayValue else {
      throw RevocationsError("\"revoked\" is \(json["revoked"]?.kind ?? "missing"), expected an array")
    }
    guard rows.count <= entriesMax else {
      throw RevocationsError("there are \(rows.count) entries, expected \(entriesMax) at most (revocationsMax)")
    }
    for (index, row) in rows.enumerated() {
      let (target, entry) = try Self.entry(row, "entry \(index + 1)")
      entries[target] = entry
    }
  }

  private static func entry(_ row: JSONValue, _ place: String) throws(RevocationsError) -> (Target, Entry) {
    guard let members = row.objectValue else { throw RevocationsError("\(place) is \(row.kind), expected an object") }
    var targets: [Target] = []
    var entry = Entry(madeUntil: .max)
    for (name, value) in members {
      switch (Identifier(name), value) {
      case ("jti", .string(let text)): targets.append(.token(Identifier(text)))
      case ("subject", .string(let text)): targets.append(.subject(Identifier(text)))
      case ("workspace", .string(let text)):
        guard let pattern = WorkspacePattern(text) else {
          throw RevocationsError("\(place): \(text.quoted) is no workspace, expected an id, team-a.* or *")
        }
        targets.append(.workspace(pattern))
      case ("madeUntil", .number(let number)) where number.integer != nil: entry.madeUntil = Int64(number.integer!)
      case ("keepUntil", .number(let number)) where number.integer != nil: entry.keepUntil = Int64(number.integer!)
      case _:
        throw RevocationsError(
          "\(place): the member \(name.quoted) is \(value.kind), expected jti, subject or workspace as a string, madeUntil and keepUntil as seconds"
        )
      }
    }
    guard targets.count == 1 else {
      throw RevocationsError("\(place) names \(targets.count) targets, expected one of jti, subject and workspace")
    }
    return (targets[0], entry)
  }

  /// The content of the file.
  package var json: JSONValue {
    var rows: [JSONValue] = []
    for (target, entry) in entries {
      var row: JSONObject = [:]
      switch target {
      case .token(let id): row["jti"] = .string(id.text)
      case .subject(let name): row["subject"] = .string(name.text)
      case .workspace(let pattern): row["workspace"] = .string(pattern.description)
      }
      if entry.madeUntil != .max { row["madeUntil"] = .number(JSONNumber(entry.madeUntil)) }
      if let keepUntil = entry.keepUntil { row["keepUntil"] = .number(JSONNumber(keepUntil)) }
      rows.append(.object(row))
    }
    return ["revoked": .array(rows)]
  }
}

package struct RevocationsError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String

  fileprivate init(_ description: String) {
    self.description = description
  }
}
