import CasebusProtocol
import CasebusTestSupport
import Foundation
import NIOCore
import Testing

@Suite struct JSONTests {
  @Test(arguments: 0..<2_000)
  func randomValueSurvivesEncodingAndParsing(_ seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let value = JSONValue.random(depth: 4, using: &random)
    #expect(try JSONValue(parsing: value.jsonText) == value)
  }

  @Test(arguments: 0..<500)
  func foundationReadsTheSame(_ seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let value = JSONValue.random(depth: 4, using: &random)
    let theirs = try JSONSerialization.jsonObject(with: Data(value.jsonText.utf8), options: .fragmentsAllowed)
    let text = try JSONSerialization.data(withJSONObject: [theirs], options: .sortedKeys)
    let back = try JSONValue(parsing: String(decoding: text, as: UTF8.self))
    #expect(back.arrayValue?.first.map(\.withSortedKeys) == value.withSortedKeys)
  }

  /// Whatever the bytes, there is a value or an error within the text, never a trap.
  @Test(arguments: 0..<3_000)
  func mutatedTextNeverTraps(_ seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    var bytes = Array(JSONValue.random(depth: 4, using: &random).jsonText.utf8)
    for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
      bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
    }
    bytes.removeLast(Int.random(in: 0...min(3, bytes.count), using: &random))
    do throws(JSONError) {
      let value = try JSONValue(parsing: ByteBuffer(bytes: bytes))
      #expect(try! JSONValue(parsing: value.jsonText) == value)
    } catch {
      #expect((0...bytes.count).contains(error.position))
    }
  }

  @Test(arguments: ["01", "-", "1.", ".5", "1e", "1e+", "+1", "0x1", "NaN", "Infinity", "-01", "1.e3"])
  func badNumberIsRefused(_ text: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
  }

  @Test(arguments: ["0", "-0", "1.0", "1e400", "1E-7", "123456789012345678901234567890", "-12.5e+3"])
  func numberKeepsItsText(_ text: String) throws {
    #expect(try JSONValue(parsing: text).jsonText == text)
  }

  @Test func invalidUTF8IsRefused() {
    let text = ByteBuffer(bytes: [0x22, 0xC3, 0x28, 0x22])
    #expect(throws: JSONError(reason: .invalidUTF8, position: 1)) { try JSONValue(parsing: text) }
  }

  @Test func depthIsLimited() throws {
    let limits = JSONLimits(depthMax: 3)
    #expect(try JSONValue(parsing: "[[[1]]]", limits: limits) == [[[1]]])
    #expect(throws: JSONError(reason: .tooDeep(limit: 3), position: 3)) {
      try JSONValue(parsing: "[[[[1]]]]", limits: limits)
    }
  }

  @Test func keysAreLimited() throws {
    let limits = JSONLimits(keysMax: 2)
    #expect(try JSONValue(parsing: #"{"a":{"b":1}}"#, limits: limits) == ["a": ["b": 1]])
    #expect(throws: JSONError(reason: .tooManyKeys(limit: 2), position: 12)) {
      try JSONValue(parsing: #"{"a":1,"a":{"b":2}}"#, limits: limits)
    }
  }

  @Test func controlCharactersAreEscapedAsJavaScriptDoes() {
    let text = JSONValue.string("\u{0}\u{8}\t\n\u{B}\u{C}\r\u{1F}\"\\/é€😀\u{7F}")
    #expect(text.jsonText == #""\u0000\b\t\n\u000b\f\r\u001f\"\\/é€😀"# + "\u{7F}\"")
  }
}

extension JSONValue {
  static func random(depth: Int, using random: inout SplitMix64) -> JSONValue {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
    case 0: return .null
    case 1: return .boolean(.random(using: &random))
    case 2, 3: return .number(JSONNumber(Int32.random(in: .min ... .max, using: &random)))
    case 4, 5: return .string(randomText(using: &random))
    case 6:
      return .array(
        (0..<Int.random(in: 0..<5, using: &random)).map { _ in self.random(depth: depth - 1, using: &random) })
    default:
      var object = JSONObject()
      for _ in 0..<Int.random(in: 0..<5, using: &random) {
        object[randomText(using: &random)] = self.random(depth: depth - 1, using: &random)
      }
      return .object(object)
    }
  }

  private static func randomText(using random: inout SplitMix64) -> String {
    let scalars = (0..<Int.random(in: 0..<12, using: &random)).compactMap { _ in
      Unicode.Scalar(UInt32.random(in: 0..<(Bool.random(using: &random) ? 0x80 : 0x2_0000), using: &random))
    }
    return String(String.UnicodeScalarView(scalars))
  }

  var withSortedKeys: JSONValue {
    switch self {
    case .array(let elements): return .array(elements.map(\.withSortedKeys))
    case .object(let object):
      var sorted = JSONObject()
      for (key, value) in object.sorted(by: { $0.key < $1.key }) { sorted[key] = value.withSortedKeys }
      return .object(sorted)
    default: return self
    }
  }
}
