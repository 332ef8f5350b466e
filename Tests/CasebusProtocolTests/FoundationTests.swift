import CasebusProtocol
import CasebusTestSupport
import Foundation
import NIOCore
import Testing

/// The codec beside Foundation's: both read the same in what the other one writes. Random values with a seed each.
@Suite struct FoundationTests {
  @Test(arguments: 0..<2_000)
  func foundationReadsWhatWeWrite(_ seed: Int) throws {
    var values = RandomJSON(seed: seed)
    let value = values.value(depth: 6)
    let text = Data(value.jsonText.utf8)
    let theirs = try JSONSerialization.jsonObject(with: text, options: .fragmentsAllowed)
    #expect(value.isSame(as: theirs), "\(value.jsonText)")
  }

  @Test(arguments: 0..<2_000)
  func weReadWhatFoundationWrites(_ seed: Int) throws {
    var values = RandomJSON(seed: seed)
    let value = values.value(depth: 6)
    let styles: [JSONSerialization.WritingOptions] = [[], .prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let text = try JSONSerialization.data(
      withJSONObject: value.forFoundation, options: [.fragmentsAllowed, styles[seed % styles.count]])
    let theirs = try JSONSerialization.jsonObject(with: text, options: .fragmentsAllowed)
    #expect(
      try JSONValue(parsing: ByteBuffer(bytes: text)).isSame(as: theirs), "\(String(decoding: text, as: UTF8.self))")
  }

  @Test(arguments: 0..<500)
  func weReadWhatTheEncoderWritesAndTheDecoderReadsWhatWeWrite(_ seed: Int) throws {
    var values = RandomJSON(seed: seed)
    let note = Note(text: values.text(), count: values.integer(), share: values.double(), tags: [values.text()])
    let ours = try JSONValue(parsing: ByteBuffer(bytes: JSONEncoder().encode(note)))
    #expect(ours["text"] == .string(note.text))
    #expect(ours["count"] == .number(JSONNumber(note.count)))
    #expect(try JSONDecoder().decode(Note.self, from: Data(ours.jsonText.utf8)) == note)
  }

  /// Strings with any character written as `\uXXXX`, pairs of surrogates included, or with a short escape.
  @Test(arguments: 0..<1_000)
  func escapesMeanTheSame(_ seed: Int) throws {
    var values = RandomJSON(seed: seed)
    let text = "[\(values.escapedString()),{\(values.escapedString()):\(values.escapedString())}]"
    let theirs = try JSONSerialization.jsonObject(with: Data(text.utf8))
    #expect(try JSONValue(parsing: text).isSame(as: theirs), "\(text)")
  }

  @Test(arguments: [
    #""\ud800""#, #""\udc00""#, #""\ud800\u0041""#, #""\ud800\ud800""#, #""\u12""#, #""\x41""#, "\"\u{1}\"", "\"a",
    #"{"a" 1}"#, "[1 2]", "01", "1.", "--1", "tru", "", " ", "[", "{}}", #"{1:2}"#,
  ])
  func neitherTakes(_ text: String) {
    #expect(throws: (any Error).self) { try JSONValue(parsing: text) }
    #expect(throws: (any Error).self) {
      try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    }
  }
}

extension FoundationTests {
  /// Foundation takes them (Swift 6.3.1), RFC 8259 §4 and §5 do not.
  @Test(arguments: ["[1,]", #"{"a":1,}"#])
  func trailingCommaIsRefused(_ text: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
  }
}

private struct Note: Codable, Equatable {
  var text: String
  var count: Int
  var share: Double
  var tags: [String]
}

/// Random JSON: every type, deep, texts of every plane, numbers of every size.
private struct RandomJSON {
  private var random: SplitMix64

  init(seed: Int) {
    random = SplitMix64(seed: UInt64(seed))
  }

  mutating func value(depth: Int) -> JSONValue {
    switch Int.random(in: 0..<(depth > 0 ? 9 : 5), using: &random) {
    case 0: return .null
    case 1: return .boolean(.random(using: &random))
    case 2: return .number(JSONNumber(integer()))
    case 3: return try! JSONValue(parsing: "\(double())")
    case 4: return .string(text())
    case 5, 6: return .array((0..<Int.random(in: 0..<5, using: &random)).map { _ in value(depth: depth - 1) })
    default:
      var object = JSONObject()
      for number in 0..<Int.random(in: 0..<5, using: &random) {
        // Foundation takes names for the same that only look the same; ours differ in their first letter.
        object["\(number)" + text()] = value(depth: depth - 1)
      }
      return .object(object)
    }
  }

  mutating func integer() -> Int {
    Int.random(in: .min ... .max, using: &random) >> Int.random(in: 0..<64, using: &random)
  }

  mutating func double() -> Double {
    let exponent = Int.random(in: -300...300, using: &random)
    return Double(
      sign: .random(using: &random) ? .plus : .minus, exponent: exponent,
      significand: .random(in: 1..<2, using: &random))
  }

  mutating func text() -> String { String(String.UnicodeScalarView(scalars())) }

  mutating func escapedString() -> String {
    let escaped = scalars().map { scalar -> String in
      if Bool.random(using: &random), let short = Self.shortEscapes[scalar] { return short }
      let mustBeEscaped = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
      guard mustBeEscaped || .random(using: &random) else { return String(scalar) }
      return UTF16.encode(scalar)!.map { unit in
        let digits = String(unit, radix: 16, uppercase: .random(using: &random))
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }.joined()
    }
    return "\"\(escaped.joined())\""
  }

  private static let shortEscapes: [Unicode.Scalar: String] = [
    "\"": #"\""#, "\\": #"\\"#, "/": #"\/"#, "\u{8}": #"\b"#, "\u{C}": #"\f"#, "\n": #"\n"#, "\r": #"\r"#, "\t": #"\t"#,
  ]

  private mutating func scalars() -> [Unicode.Scalar] {
    let ends: [UInt32] = [0x20, 0x80, 0x80, 0x800, 0x1_0000, 0x11_0000]
    return (0..<Int.random(in: 0..<12, using: &random)).compactMap { _ in
      Unicode.Scalar(UInt32.random(in: 0..<ends.randomElement(using: &random)!, using: &random))
    }
  }
}

extension JSONValue {
  /// As JSONSerialization takes it.
  fileprivate var forFoundation: Any {
    switch self {
    case .null: NSNull()
    case .boolean(let value): value
    case .number(let number): number.integer ?? Double(number.text)!
    case .string(let text): text
    case .array(let elements): elements.map(\.forFoundation)
    case .object(let members): Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value.forFoundation) })
    }
  }

  /// Whether JSONSerialization found the same.
  fileprivate func isSame(as theirs: Any) -> Bool {
    switch self {
    case .null: theirs is NSNull
    case .boolean(let value): (theirs as? Bool) == value
    case .number(let number): Self.isSame(number, theirs as? NSNumber)
    case .string(let text): (theirs as? String).map { $0.utf8.elementsEqual(text.utf8) } ?? false
    case .array(let elements): Self.isSame(elements, theirs as? [Any])
    case .object(let members): Self.isSame(members, theirs as? [String: Any])
    }
  }

  private static func isSame(_ number: JSONNumber, _ theirs: NSNumber?) -> Bool {
    guard let theirs else { return false }
    // Whether one with a fraction or an exponent is an integer is no question for Foundation, which makes it a decimal.
    if let integer = Int(number.text) { return theirs.int64Value == Int64(integer) }
    guard let ours = Double(number.text) else { return false }
    // JSONSerialization reads fractions as decimals, whose doubleValue is not always the nearest one (seen with
    // 1.2890939162990354e-79 in Swift 6.3.1).
    return abs(theirs.doubleValue - ours) <= abs(ours) * 1e-14
  }

  private static func isSame(_ elements: [JSONValue], _ theirs: [Any]?) -> Bool {
    guard let theirs, theirs.count == elements.count else { return false }
    return zip(elements, theirs).allSatisfy { $0.isSame(as: $1) }
  }

  private static func isSame(_ members: JSONObject, _ theirs: [String: Any]?) -> Bool {
    guard let theirs, theirs.count == members.reduce(0, { count, _ in count + 1 }) else { return false }
    return members.allSatisfy { name, value in theirs[name].map { value.isSame(as: $0) } ?? false }
  }
}
