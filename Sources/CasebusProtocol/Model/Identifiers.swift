/// The name of a workspace: one agent's desktop. `[A-Za-z0-9._-]{1,64}` (Protocol §2.2).
public struct WorkspaceID: Hashable, Sendable, CustomStringConvertible {
  /// The name, 1–64 bytes of ASCII.
  public let text: String

  /// The workspace of a client that names none.
  public static let `default` = WorkspaceID("default")!

  /// - Returns: nil unless the text is 1–64 characters of `A–Z a–z 0–9 . _ -`.
  public init?(_ text: String) {
    guard text.isName else { return nil }
    self.text = text
  }

  public var description: String { text }
}

/// The name of a durable consumer, under which the broker keeps its ack floor. `[A-Za-z0-9._-]{1,64}` (Protocol §9.3).
public struct ConsumerName: Hashable, Sendable, CustomStringConvertible {
  /// The name, 1–64 bytes of ASCII.
  public let text: String

  /// - Returns: nil unless the text is 1–64 characters of `A–Z a–z 0–9 . _ -`.
  public init?(_ text: String) {
    guard text.isName else { return nil }
    self.text = text
  }

  public var description: String { text }
}

extension String {
  /// Whether this is 1–64 characters of `A–Z a–z 0–9 . _ -`.
  fileprivate var isName: Bool { (1...64).contains(utf8.count) && utf8.allSatisfy(\.isOfName) }
}

extension UInt8 {
  fileprivate var isOfName: Bool {
    switch self {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    case _: false
    }
  }
}

/// The workspaces of a connection: one, or all (a monitor, `workspace=*`).
public enum WorkspaceScope: Hashable, Sendable, CustomStringConvertible {
  case workspace(WorkspaceID)
  case all

  /// - Parameter text: the value of the `workspace` query item, nil if there is none.
  /// - Returns: nil if the text is neither `*` nor a ``WorkspaceID``.
  public init?(queryValue text: String?) {
    switch text.map(Identifier.init(_:)) {
    case nil: self = .workspace(.default)
    case "*": self = .all
    case let id?:
      guard let id = WorkspaceID(id.text) else { return nil }
      self = .workspace(id)
    }
  }

  public var description: String {
    switch self {
    case .workspace(let id): id.text
    case .all: "*"
    }
  }
}

/// The name of a subscription; chosen by the broker, unique among all its sessions.
public struct SubscriptionID: Hashable, Sendable, CustomStringConvertible {
  /// The name; clients give it no meaning.
  public let text: String

  /// - Parameter text: a `subscriptionId` of an answer.
  public init(_ text: String) {
    self.text = text
  }

  public var description: String { text }

  // A client can send any text, so it is compared by its bytes.
  public static func == (left: SubscriptionID, right: SubscriptionID) -> Bool { left.text.hasSameBytes(as: right.text) }

  public func hash(into hasher: inout Hasher) { text.hashBytes(into: &hasher) }
}

/// A client's mark on a message, returned in the answer with the same JSON type (Protocol §3.2).
public enum ReferenceID: Hashable, Sendable {
  case string(String)
  case number(JSONNumber)
  case boolean(Bool)

  /// The identifier as a JSON value.
  public var json: JSONValue {
    switch self {
    case .string(let text): .string(text)
    case .number(let number): .number(number)
    case .boolean(let value): .boolean(value)
    }
  }

  public static func == (left: ReferenceID, right: ReferenceID) -> Bool { left.json == right.json }

  public func hash(into hasher: inout Hasher) { hasher.combine(json) }
}
