/// Any JSON value. Objects keep the order of their keys, and numbers their text.
public enum JSONValue: Hashable, Sendable {
  case null
  case boolean(Bool)
  case number(JSONNumber)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

extension JSONValue {
  /// Texts are compared by their bytes (Protocol §1); numbers by their text, so that `1.0` is not `1`.
  public static func == (left: JSONValue, right: JSONValue) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.boolean(let left), .boolean(let right)): left == right
    case (.number(let left), .number(let right)): left == right
    case (.string(let left), .string(let right)): left.hasSameBytes(as: right)
    case (.array(let left), .array(let right)): left == right
    case (.object(let left), .object(let right)): left == right
    case (.null, _), (.boolean, _), (.number, _), (.string, _), (.array, _), (.object, _): false
    }
  }

  public func hash(into hasher: inout Hasher) {
    switch self {
    case .null: hasher.combine(0 as UInt8)
    case .boolean(let value): hasher.combine(value)
    case .number(let number): hasher.combine(number)
    case .string(let text): text.hashBytes(into: &hasher)
    case .array(let elements): hasher.combine(elements)
    case .object(let members): hasher.combine(members)
    }
  }
}

/// A JSON number as its text, so that neither precision nor spelling (`1.0`, `1e400`) is lost.
public struct JSONNumber: Hashable, Sendable {
  /// The text of the number in its message; always valid by RFC 8259 §6.
  public let text: String

  init(validatedText text: String) {
    self.text = text
  }

  /// The number for an integer.
  public init(_ value: some BinaryInteger) {
    text = String(value)
  }

  /// The value as an integer; nil if it is not an integer or does not fit into an `Int`. `2`, `2.0` and `20e-1` are the same
  /// value (RFC 8259 §6).
  public var integer: Int? { Int(text) ?? DecimalText(text).integer }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(booleanLiteral value: Bool) { self = .boolean(value) }
  public init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(nilLiteral: ()) { self = .null }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    var object = JSONObject()
    for (name, value) in elements { object[name] = value }
    self = .object(object)
  }
}

extension JSONValue {
  /// The string, or nil if this is anything else.
  public var stringValue: String? {
    if case .string(let value) = self { value } else { nil }
  }

  /// The object, or nil if this is anything else.
  public var objectValue: JSONObject? {
    if case .object(let value) = self { value } else { nil }
  }

  /// The array, or nil if this is anything else.
  public var arrayValue: [JSONValue]? {
    if case .array(let value) = self { value } else { nil }
  }

  /// The boolean, or nil if this is anything else.
  public var booleanValue: Bool? {
    if case .boolean(let value) = self { value } else { nil }
  }

  /// The member of an object; nil if this is no object or has no such member.
  public subscript(name: String) -> JSONValue? { objectValue?[name] }

  /// The kind of value for error messages: "a string", "null", …
  public var kind: String {
    switch self {
    case .null: "null"
    case .boolean: "a boolean"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}
