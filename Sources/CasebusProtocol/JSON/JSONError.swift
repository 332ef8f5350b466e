/// Bounds on a JSON document, checked while it is parsed (Protocol §12).
public struct JSONLimits: Hashable, Sendable {
  /// Maximum nesting of arrays and objects.
  public var depthMax: Int
  /// Maximum number of object members in the whole document.
  public var keysMax: Int

  /// - Parameters:
  ///   - depthMax: `jsonDepthMax` of `registry/limits.json`.
  ///   - keysMax: `jsonKeysMax` of `registry/limits.json`.
  public init(depthMax: Int = 32, keysMax: Int = 4096) {
    self.depthMax = depthMax
    self.keysMax = keysMax
  }
}

/// Why a text is not a JSON document within the limits.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong at the ``position`` of an error.
  public enum Reason: Hashable, Sendable {
    case unexpectedEnd
    case unexpectedByte(UInt8, expected: String)
    case trailingBytes
    case invalidNumber
    case invalidEscape
    case loneSurrogate
    case controlCharacter
    case invalidUTF8
    case tooDeep(limit: Int)
    case tooManyKeys(limit: Int)
  }

  /// What is wrong.
  public var reason: Reason
  /// Byte offset from the start of the text, 0-based.
  public var position: Int

  /// - Parameters:
  ///   - reason: what is wrong.
  ///   - position: byte offset from the start of the text, 0-based.
  public init(reason: Reason, position: Int) {
    self.reason = reason
    self.position = position
  }

  public var description: String { "\(text) at byte \(position)" }

  private var text: String {
    switch reason {
    case .unexpectedEnd: "the text ends too early"
    case .unexpectedByte(let byte, let expected): "unexpected \(Self.spelling(of: byte)), expected \(expected)"
    case .trailingBytes: "something follows the JSON value"
    case .invalidNumber: "not a valid number"
    case .invalidEscape: "not a valid escape sequence"
    case .loneSurrogate: "an escaped surrogate without its other half"
    case .controlCharacter: "an unescaped control character in a string"
    case .invalidUTF8: "a string that is not valid UTF-8"
    case .tooDeep(let limit): "nested deeper than \(limit) levels (jsonDepthMax)"
    case .tooManyKeys(let limit): "more than \(limit) object keys (jsonKeysMax)"
    }
  }

  private static func spelling(of byte: UInt8) -> String {
    (0x21...0x7E).contains(byte) ? "'\(Character(UnicodeScalar(byte)))'" : "byte 0x\(String(byte, radix: 16))"
  }
}
