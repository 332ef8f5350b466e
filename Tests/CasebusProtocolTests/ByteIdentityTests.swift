import CasebusProtocol
import CasebusTestSupport
import NIOCore
import Testing

/// Every type that holds a text from outside is compared by the bytes of it (Protocol §1).
@Suite struct ByteIdentityTests {
  static let composed = "\u{E9}"
  static let decomposed = "e\u{301}"

  /// A type, with two values of it whose texts look the same.
  static let pairs: [(name: String, areDifferent: Bool, haveDifferentHashes: Bool)] = [
    pair("Identifier") { Identifier($0) },
    pair("JSONValue") { JSONValue.string($0) },
    pair("JSONValue in an array") { JSONValue.array([.string($0)]) },
    pair("JSONObject, value") { ["a": .string($0)] as JSONObject },
    pair("JSONObject, name") { [$0: 1] as JSONObject },
    pair("EventName") { EventName("messenger:\($0)") },
    pair("SubscriptionID") { SubscriptionID($0) },
    pair("StreamPosition") { StreamPosition(offset: 1, epoch: $0) },
    pair("ReferenceID") { ReferenceID.string($0) },
    pair("Request, name") { Request($0) },
    pair("Request, parameter") { Request("interaction.markdone", [.string($0)]) },
    pair("Interaction") { Interaction(interactionID: Identifier($0), caseID: "c", state: .ringing) },
    pair("Interaction, case") { Interaction(interactionID: "1", caseID: Identifier($0), state: .ringing) },
  ]

  static func pair<Value: Hashable>(_ name: String, _ make: (String) -> Value) -> (String, Bool, Bool) {
    let (left, right) = (make(composed), make(decomposed))
    return (name, left != right && left == make(composed), left.hashValue != right.hashValue)
  }

  @Test(arguments: pairs)
  func whatLooksTheSameIsNotTheSame(_ pair: (name: String, areDifferent: Bool, haveDifferentHashes: Bool)) {
    #expect(pair.areDifferent, "\(pair.name)")
    #expect(pair.haveDifferentHashes, "\(pair.name)")
  }

  @Test(arguments: 0..<500)
  func equalityIsThatOfTheBytes(_ seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    let letters = ["a", "b", "\u{E9}", "e", "\u{301}", "\u{212A}", "K", "\u{1F600}", "\0"]
    func text() -> String {
      (0..<Int.random(in: 0..<20, using: &random)).map { _ in letters.randomElement(using: &random)! }.joined()
    }
    let (left, right) = (text(), text())
    #expect((Identifier(left) == Identifier(right)) == (Array(left.utf8) == Array(right.utf8)))
    #expect(Identifier(left) == Identifier(String(decoding: Array(left.utf8), as: UTF8.self)))
    #expect(Identifier(left + "\u{E9}") != Identifier(left + "e\u{301}"))
  }

  /// Each of the 17 letters at each place of a text that is compared eight bytes at a time.
  @Test func oneOtherByteAnywhereIsAnotherText() {
    let text = "0123456789abcdefg"
    for place in 0..<text.utf8.count {
      var bytes = Array(text.utf8)
      bytes[place] = UInt8(ascii: "_")
      #expect(Identifier(text) != Identifier(String(decoding: bytes, as: UTF8.self)))
    }
  }

  @Test(arguments: ["\u{212A}", "TAL\u{212A}ING", "talking", "TALKING ", "", String(repeating: "K", count: 100_000)])
  func wordThatIsNotExactlyOneOfThemIsNone(_ text: String) {
    #expect(InteractionState(name: text) == nil)
  }

  @Test func everyStateIsFoundByItsName() {
    for state in InteractionState.allCases { #expect(InteractionState(name: state.rawValue) == state) }
  }

  /// A colon and a combining mark are one character, but the prefix is ten bytes.
  @Test func channelMayBeginWithACombiningMark() {
    #expect(EventName("messenger:\u{301}a") == EventName(channel: "\u{301}a"))
    #expect(EventName("messenger:\u{301}a")?.description == "messenger:\u{301}a")
  }

  /// Comparing with each of the names that came before would be 12.5 million steps.
  @Test func subscribeReadsEachOfItsNamesOnce() throws {
    func steps(_ count: Int) throws -> Int {
      let names = (0..<count).map { JSONValue.string("messenger:\($0)") }
      let text = ByteBuffer(string: (["event": "subscribe", "data": .array(names)] as JSONValue).jsonText)
      return try Steps.counted { try ClientMessage(decoding: text) }.steps
    }
    let (few, many) = (try steps(500), try steps(5_000))
    #expect(many < 12 * few, "\(few) steps for 500 names, \(many) for 5,000")
  }

  /// Ten times as many members are ten times the work, also if a name comes twice.
  @Test func objectReadsEachOfItsNamesOnce() throws {
    func steps(_ count: Int) throws -> Int {
      let members = (0..<count).map { #""k\#($0)":0,"d":\#($0)"# }.joined(separator: ",")
      let limits = JSONLimits(keysMax: .max)
      return try Steps.counted { try JSONValue(parsing: "{\(members)}", limits: limits) }.steps
    }
    let (few, many) = (try steps(1_000), try steps(10_000))
    #expect(many < 12 * few, "\(few) steps for 1,000 members, \(many) for 10,000")
  }
}
