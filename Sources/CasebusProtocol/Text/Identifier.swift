/// A name that a client chose: of an interaction, a case, a message, a channel. Two are equal if they have the same bytes
/// (Protocol §1).
public struct Identifier: Hashable, Sendable {
  /// The name, in any normal form of Unicode.
  public let text: String

  /// - Parameter text: any text; limits are checked where it is used.
  public init(_ text: String) {
    self.text = text
  }

  public static func == (left: Identifier, right: Identifier) -> Bool { left.text.hasSameBytes(as: right.text) }

  public func hash(into hasher: inout Hasher) { text.hashBytes(into: &hasher) }
}

extension Identifier: ExpressibleByStringInterpolation, CustomStringConvertible {
  public init(stringLiteral text: String) { self.init(text) }

  public var description: String { text }
}
