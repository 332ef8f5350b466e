import CasebusProtocol
import CasebusTestSupport
import Testing

/// An object that is kept as its text behaves as the values do.
@Suite struct JSONObjectTextTests {
  /// What could end a member too early, if its text were read carelessly.
  static let names = ["a", "b", "", "\"", "\\", "\\\"", "a\":1,\"b", "}", "é", "e\u{301}", "\u{1}", "{\"a\":"]
  static let values: [JSONValue] = [
    1, "x", nil, true, [], [:], "}", "\\", "\"", ",\"a\":1", [1, [2, ["a": "]"]]], ["a": ["b": "}"], "c": [1, 2]],
  ]

  @Test(arguments: 0..<500)
  func mergingAndRemovingDoesWhatItDoesToValues(_ seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    var expected = JSONObject()
    var kept = JSONObjectText()
    for _ in 0..<20 {
      let name = Self.names.randomElement(using: &random)!
      if Bool.random(using: &random) {
        let isThere = expected[name] != nil
        expected[name] = nil
        let wasThere = kept.removeMember(named: name)
        #expect(wasThere == isThere)
      } else {
        var members: JSONObject = [:]
        for _ in 0..<Int.random(in: 0...3, using: &random) {
          members[Self.names.randomElement(using: &random)!] = Self.values.randomElement(using: &random)!
        }
        expected.merge(members)
        kept.merge(members)
      }
      #expect(kept.text == JSONValue.object(expected).jsonText)
      #expect(kept == JSONObjectText(expected))
      #expect(kept.isEmpty == expected.isEmpty && kept.byteCount == kept.text.utf8.count)
    }
  }

  @Test func composedAndDecomposedNamesAreTwo() {
    var kept: JSONObjectText = ["é": 1, "e\u{301}": 2]
    #expect(kept != ["e\u{301}": 1, "é": 2])
    let wasThere = kept.removeMember(named: "é")
    #expect(wasThere && Array(kept.text.utf8) == Array("{\"e\u{301}\":2}".utf8))
  }
}
