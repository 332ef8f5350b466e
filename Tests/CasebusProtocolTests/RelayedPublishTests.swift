@testable import CasebusProtocol
import CasebusTestSupport
import NIOCore
import Testing

/// A publish whose data stays text says the same as the message that is parsed.
@Suite struct RelayedPublishTests {
  /// What a message says, or why it cannot be read; and the data as it would be written.
  private struct Reading: Equatable {
    var result: Result<ClientMessage, MessageFailure>
    var dataText: String?

    init(_ decode: () throws(MessageFailure) -> ClientMessage) {
      result = Result(catching: decode)
      guard case .success(let message) = result, case .publish(_, let data) = message.content else { return }
      var buffer = ByteBuffer()
      buffer.writeJSON(data)
      dataText = String(buffer: buffer)
    }
  }

  /// - Returns: whether the message stayed text.
  @discardableResult
  private func compare(_ text: ByteBuffer, limits: JSONLimits = JSONLimits()) -> Bool {
    let decoded = Reading { () throws(MessageFailure) in try ClientMessage(decoding: text, limits: limits) }
    let parsed = Reading { () throws(MessageFailure) in try ClientMessage(parsing: text, limits: limits) }
    #expect(decoded == parsed, "\(String(buffer: text))")
    return ClientMessage(relayed: text, limits: limits) != nil
  }

  private static func publish(_ data: String, as name: String = "agent") -> ByteBuffer {
    ByteBuffer(string: #"{"event":"publish","data":{"event":"\#(name)","data":\#(data)},"referenceId":7}"#)
  }

  @Test(arguments: [
    "{}", #"{"a":1}"#, #"{"a":[],"b":{},"c":null,"d":true,"e":false}"#, #"{"a":{"a":{"a":"a"}},"b":[{"a":1},{"a":2}]}"#,
    #"{"n":-0.10e+5,"m":0,"o":1E400}"#, #"{"a\"\\\b\f\n\r\tz":"\"\\\b\f\n\r\t"}"#, #"{"ä":"ü €","":"𝄞"}"#,
  ])
  func compactObjectStaysText(_ data: String) {
    #expect(compare(Self.publish(data)))
    #expect(compare(Self.publish(data, as: "messenger:team")))
  }

  @Test(arguments: [
    #"{"a": 1}"#, #"{ }"#, #"{"a":1,"a":2}"#, #"{"x":{"b":1,"c":2,"b":3}}"#, #"{"a":"\/"}"#, #"{"a":"\u0041"}"#,
    #"{"\u0061":1,"a":2}"#, #"{"a":"\u001f"}"#, "[]", "1", #""text""#, "null",
    "{" + (0..<33).map { "\"\($0)\":0" }.joined(separator: ",") + "}",
  ])
  func otherDataIsParsed(_ data: String) {
    #expect(!compare(Self.publish(data)))
  }

  @Test(arguments: [
    "{", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":01}"#, #"{"a":-}"#, #"{"a":1.}"#, #"{"a":tru}"#, #"{"a":"\x"}"#,
    "{\"a\":\"\u{1}\"}", #"{"a":1}}"#, "{\"a\":[1}",
  ])
  func invalidDataFailsTheSameWay(_ data: String) {
    #expect(!compare(Self.publish(data)))
  }

  @Test(arguments: [
    #"{"data":{"data":{},"event":"agent"},"event":"publish"}"#,
    #"{"protocolVersion":2,"userAgent":"bot","event":"publish","data":{"event":"media","data":{}}}"#,
    #"{"event":"publish","data":{"event":"system","data":{}},"messageId":"m","workspaceId":"w","referenceId":"r"}"#,
  ])
  func membersMayHaveAnyOrder(_ text: String) {
    #expect(compare(ByteBuffer(string: text)))
  }

  @Test(arguments: [
    #"{"event":"publish","data":{"event":"agent"}}"#, #"{"event":"publish","data":{"data":{}}}"#, #"{}"#,
    #"{"event":"publish"}"#, #"{"data":{"event":"agent","data":{}}}"#,
    #"{"event":"publish","event":"publish","data":{"event":"agent","data":{}}}"#,
    #"{"event":"publish","data":{"event":"agent","data":{},"data":{"a":1}}}"#,
    #"{"event":"publish","data":{"event":"agent","data":{}},"protocolVersion":3}"#,
    #"{"event":"publish","data":{"event":"agent","data":{}},"protocolVersion":2.0}"#,
    #"{"event":"publish","data":{"event":"agent","data":{}},"userAgent":1}"#,
    #"{"event":"publish","data":{"event":"agent","data":{}},"messageId":""}"#,
    #"{"event":"publish","data":{"event":"agent","data":{}},"workspaceId":"no good"}"#,
    #"{"event":"publish","data":{"event":"agent","data":{}},"referenceId":null}"#,
    #"{"event":"publish","data":{"event":"agent","data":{}},"referenceId":{}}"#,
    #"{"event":"publish","data":{"event":"agent","data":{}},"other":1}"#,
    #"{"event":"publish","data":{"event":"agent","data":{}}} "#,
    #"{"event":"publish","data":{"event":"agent","data":{}}}x"#,
    #"{"event":"publish","data":{"event":"interaction","data":{}}}"#,
    #"{"event":"publish","data":{"event":"markdone","data":{}}}"#,
    #"{"event":"publish","data":{"event":"messenger:","data":{}}}"#,
    #"{"event":"subscribe","data":{"event":"agent","data":{}}}"#, #"{"request":"system.getVersion"}"#,
  ])
  func otherMessagesAreParsed(_ text: String) {
    #expect(!compare(ByteBuffer(string: text)))
  }

  @Test(arguments: 1...6, 3...9)
  func limitsAreThoseOfTheParser(depthMax: Int, keysMax: Int) {
    let limits = JSONLimits(depthMax: depthMax, keysMax: keysMax)
    let isWithin = depthMax >= 5 && keysMax >= 8
    #expect(compare(Self.publish(#"{"a":[{"b":1}],"c":{}}"#), limits: limits) == isWithin)
  }

  @Test func invalidUTF8IsNotPassedOn() {
    for bytes: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82]] {
      var text = ByteBuffer(string: #"{"event":"publish","data":{"event":"agent","data":{"a":""#)
      text.writeBytes(bytes)
      text.writeString(#""}}}"#)
      #expect(!compare(text))
    }
  }

  /// Messages with random data, some of them with random changes.
  @Test(arguments: 1...40)
  func randomMessagesSayTheSame(_ seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    var textCount = 0
    for _ in 0..<100 {
      let name = ["agent", "system", "messenger:x"].randomElement(using: &random)!
      var text = Self.publish(object(depth: 3, &random), as: name)
      for _ in 0..<Int.random(in: 0...2, using: &random) {
        let index = Int.random(in: 0..<text.readableBytes, using: &random)
        text.setInteger(Array(#" "\{}[]:,019.eE-+antu/"#.utf8).randomElement(using: &random)!, at: index)
      }
      if compare(text) { textCount += 1 }
    }
    #expect(textCount > 0)
  }

  private func object(depth: Int, _ random: inout SplitMix64) -> String {
    let members = (0..<Int.random(in: 0..<5, using: &random)).map { _ in
      "\(string(&random)):\(value(depth: depth - 1, &random))"
    }
    return "{\(members.joined(separator: ","))}"
  }

  private func string(_ random: inout SplitMix64) -> String {
    let pieces = ["a", "b", "ä", "€", #"\n"#, #"\""#, "longer text of a value", "𝄞", #"\\"#, "c", "d", "e", "f", "g"]
    let text = (0..<Int.random(in: 0..<4, using: &random)).map { _ in pieces.randomElement(using: &random)! }
    let isOdd = Int.random(in: 0..<40, using: &random) == 0
    return "\"\(text.joined())\(isOdd ? #"\u00e4\/"# : "")\""
  }

  private func value(depth: Int, _ random: inout SplitMix64) -> String {
    switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
    case 0: return ["null", "true", "false"].randomElement(using: &random)!
    case 1: return ["0", "-1", "2.50", "1e9", "12345678901234567890"].randomElement(using: &random)!
    case 5: return object(depth: depth, &random)
    case 6:
      let elements = (0..<Int.random(in: 0..<4, using: &random)).map { _ in value(depth: depth - 1, &random) }
      return "[\(elements.joined(separator: ","))]"
    case _: return string(&random)
    }
  }
}
