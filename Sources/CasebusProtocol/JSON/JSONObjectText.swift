/// A JSON object stored as its compact text (Protocol §3.5), for values that live long and are written often
/// (Docs/decisions/0013).
///
/// As a ``JSONObject`` a small value takes up to sixty times the memory of its text, and each event with it would encode
/// it again.
public struct JSONObjectText: Hashable, Sendable {
  /// The text, in UTF-8.
  private(set) var bytes: [UInt8]

  /// An object without members.
  public init() {
    bytes = Self.empty
  }

  /// The text of an object.
  public init(_ object: JSONObject) {
    bytes = object.isEmpty ? Self.empty : [UInt8](json: object.jsonByteCount) { $0.write(object) }
  }

  private static let empty = Array("{}".utf8)

  /// Whether the object has no members.
  public var isEmpty: Bool { bytes.count == Self.empty.count }

  /// The length of the text in bytes.
  public var byteCount: Int { bytes.count }

  /// The compact JSON text.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Adds all members of an object. A member with a known name replaces the old one and keeps its place.
  public mutating func merge(_ object: JSONObject) {
    guard !object.isEmpty else { return }
    let other = JSONObjectText(object)
    var additions = Dictionary(
      uniqueKeysWithValues: other.members.map { (other.bytes[$0.name], other.bytes[$0.whole]) })
    var merged: [ArraySlice<UInt8>] = members.map { additions.removeValue(forKey: bytes[$0.name]) ?? bytes[$0.whole] }
    merged += other.members.lazy.filter { additions[other.bytes[$0.name]] != nil }.map { other.bytes[$0.whole] }
    replaceMembers(with: merged)
  }

  /// Removes the member with a name.
  /// - Returns: whether there was one.
  public mutating func removeMember(named name: String) -> Bool {
    let name = [UInt8](json: name.jsonByteCount) { $0.write(name) }
    let all = Array(members)
    let kept = all.filter { bytes[$0.name] != name[...] }
    guard kept.count < all.count else { return false }
    replaceMembers(with: kept.map { bytes[$0.whole] })
    return true
  }

  private var members: CompactMembers { CompactMembers(bytes) }

  private mutating func replaceMembers(with members: [ArraySlice<UInt8>]) {
    var text: [UInt8] = []
    text.reserveCapacity(members.reduce(2) { $0 + $1.count + 1 })
    text.append(UInt8(ascii: "{"))
    for member in members {
      if text.count > 1 { text.append(UInt8(ascii: ",")) }
      text += member
    }
    text.append(UInt8(ascii: "}"))
    bytes = text
  }
}

extension JSONObjectText: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    var object = JSONObject()
    for (name, value) in elements { object[name] = value }
    self.init(object)
  }
}
