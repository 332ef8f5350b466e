import CasebusAccess
import CasebusTestSupport
import Testing

@Suite struct OriginTests {
  static func accepts(_ option: String, _ header: String, own: String? = nil) throws -> Bool {
    let rules = try OriginRules(parsing: option)
    return rules.requests(allowedFor: header, own: own.flatMap { WebOrigin($0) }) != nil
  }

  /// The same origin in another spelling.
  @Test(arguments: [
    "https://a.example", "HTTPS://A.Example", "https://a.example:443", "https://A.EXAMPLE:443",
  ])
  func sameOriginIsAccepted(_ header: String) throws {
    #expect(try Self.accepts("https://a.example", header))
  }

  /// Near misses of https://a.example.
  @Test(arguments: [
    "http://a.example", "https://a.example:8443", "https://a.example:80", "https://a.example.",
    "https://a.example.evil",
    "https://evil.a.example", "https://aa.example", "https://a.examplee", "https://a-example", "https://a.example/",
    "https://a.example/x", "https://a.example?x", "https://a.example#x", "https://u@a.example", "https://u:p@a.example",
    "https://a.example@evil", "https://evil#@a.example", "https://evil\\@a.example", "https://a.example:0443",
    "https://a.example:443 ", " https://a.example", "https://a.example,https://evil", "https://a.example https://evil",
    "https:a.example", "https:/a.example", "https:///a.example", "https//a.example", "//a.example", "a.example",
    "https://а.example", "https://ａ.example", "https://a。example", "https://xn--a.example", "https://a..example",
    "https://.a.example", "https://a.example:", "https://a.example:x", "https://a.example:99999",
    "https://a.example:+443",
    "https://a.example:443:443", "https://[a.example]", "https://a%2Eexample", "https://a.example%00",
    "https://a.example\0",
    "wss://a.example", "ftp://a.example", "file://a.example", "javascript://a.example", "chrome-extension://a.example",
    "null", "", "*", "https://*", "https://*.example", "blob:https://a.example", "https://", "://a.example",
  ])
  func nearMissIsRefused(_ header: String) throws {
    #expect(try !Self.accepts("https://a.example", header))
  }

  @Test(arguments: [
    "http://localhost", "http://localhost:3000", "https://LOCALHOST:1", "http://127.0.0.1:9", "http://127.9.9.9",
    "http://[::1]:3000", "http://[0:0::1]",
  ])
  func pageOfThisMachineIsAccepted(_ header: String) throws {
    #expect(OriginRules.default.requests(allowedFor: header, own: nil) != nil)
    #expect(try Self.accepts("", header))
  }

  @Test(arguments: [
    "http://localhost.evil", "http://localhost.", "http://a.localhost", "http://127.0.0.1.evil", "http://128.0.0.1",
    "http://127.1", "http://2130706433", "http://0x7f.0.0.1", "http://0177.0.0.1", "http://[::2]",
    "http://[::ffff:128.0.0.1]",
    "http://0.0.0.0", "chrome-extension://localhost", "null", "http://[::1%25lo]", "http://::1",
  ])
  func strangerIsRefusedByDefault(_ header: String) {
    #expect(OriginRules.default.requests(allowedFor: header, own: nil) == nil)
  }

  @Test func ownOriginIsComparedWithPortAndScheme() throws {
    let own = WebOrigin(ofHost: "bus.example:8080", isSecure: false)
    #expect(OriginRules.default.requests(allowedFor: "http://bus.example:8080", own: own) != nil)
    #expect(OriginRules.default.requests(allowedFor: "http://bus.example", own: own) == nil)
    #expect(OriginRules.default.requests(allowedFor: "https://bus.example:8080", own: own) == nil)
  }

  @Test(arguments: [
    ("*", "https://any.example", true), ("*", "chrome-extension://abcdefghijklmnop", true), ("*", "null", false),
    ("null", "null", true), ("null", "NULL", false), ("null", "https://a.example", false), ("*, null", "null", true),
    ("chrome-extension://abc", "chrome-extension://abc", true),
    ("chrome-extension://abc", "chrome-extension://abd", false),
    ("chrome-extension://abc", "moz-extension://abc", false),
    ("chrome-extension://abc", "chrome-extension://abc:443", false),
    ("moz-extension://0a1b-2c", "moz-extension://0a1b-2c", true),
    ("http://[2001:db8::1]", "http://[2001:0db8:0:0::1]:80", true), ("http://192.0.2.1", "http://192.0.2.1", true),
  ])
  func originOfTheOption(_ option: String, _ header: String, _ expected: Bool) throws {
    #expect(try Self.accepts(option, header) == expected)
  }

  @Test func requestsInParentheses() throws {
    let option = "http://a, http://b (*),\n http://c (agent.*, voice.dial), http://d (), http://e (*, auth.getJwtToken)"
    let rules = try OriginRules(parsing: option)
    let requests = ["agent.get", "voice.dial", "voice.hold", "auth.getJwtToken"]
    let allowed = ["a", "b", "c", "d", "e"].map { host in
      let origin = rules.requests(allowedFor: "http://\(host)", own: nil)
      return requests.map { origin?.allow($0) == true }
    }
    #expect(
      allowed == [
        [true, true, true, false], [true, true, true, false], [true, true, false, false],
        [false, false, false, false], [true, true, true, true],
      ])
  }

  @Test(arguments: [
    ("http://a/", "path"), ("a.example", "no origin"), ("http://a,", "entry 2 is empty"),
    (",http://a", "entry 1 is empty"),
    ("http://a (x", "not closed"), ("http://a (x) y", "expected a comma"), ("http://a (x y)", "no request"),
    ("http://a, HTTP://A:80", "named twice"), ("*, *", "named twice"), ("http://bücher.example", "xn--"),
    ("http://*.example", "no origin"), ("http://a (,)", "no request"),
  ])
  func badOptionIsRefusedWithItsReason(_ option: String, _ reason: String) {
    #expect { try OriginRules(parsing: option) } throws: { "\($0)".contains(reason) }
  }

  /// Whatever the header is: accepted exactly if it is the origin in a spelling that only differs in case and default port.
  @Test func onlySpellingsOfTheOriginAreAcceptedAtRandom() throws {
    var random = SplitMix64(seed: 14)
    let rules = try OriginRules(parsing: "https://a.example")
    let pieces = [
      "https", "http", "://", ":", "/", "a", ".", "example", "A", "443", "80", "@", "evil", "%", "[", "]", "\\", "?",
      "#", " ",
    ]
    var accepted = 0
    for _ in 0..<200_000 {
      var text = "https://a.example"
      if Bool.random(using: &random) { text = text.uppercased() }
      if Bool.random(using: &random) { text += ":443" }
      for _ in 0..<Int.random(in: 0...2, using: &random) {
        let index = text.index(text.startIndex, offsetBy: Int.random(in: 0...text.count, using: &random))
        let end =
          text.index(index, offsetBy: Int.random(in: 0...2, using: &random), limitedBy: text.endIndex) ?? text.endIndex
        text.replaceSubrange(
          index..<end, with: Bool.random(using: &random) ? pieces.randomElement(using: &random)! : "")
      }
      let expected = ["https://a.example", "https://a.example:443"].contains(text.lowercased())
      let isAccepted = rules.requests(allowedFor: text, own: nil) != nil
      #expect(isAccepted == expected, "\(text)")
      accepted += isAccepted ? 1 : 0
    }
    #expect(accepted > 1000)
  }
}

@Suite struct HostTests {
  static let rules = HostRules(names: ["bus.example", "crm"])!

  @Test(arguments: [
    "bus.example", "BUS.example:8080", "bus.example.", "crm:1", "localhost", "localhost:8080", "127.0.0.1:80",
    "192.0.2.7",
    "[::1]:8080", "[2001:db8::1]",
  ])
  func hostOfTheBrokerIsAccepted(_ header: String) { #expect(Self.rules.accept(header)) }

  @Test(arguments: [
    nil, "", "evil.example", "bus.example.evil", "xbus.example", "localhost.evil", "127.0.0.1.evil", "bus.example@evil",
    "evil@bus.example", "bus.example/", "bus.example:", "bus.example:x", "bus example", "[::1", "::1", "2130706433",
    "0x7f.1",
    "bus.example, evil", "bus.example..", ".",
  ])
  func reboundNameIsRefused(_ header: String?) { #expect(!Self.rules.accept(header)) }

  @Test(arguments: ["a b", "http://a", "a:80", ""])
  func badNameOfTheConfigurationIsRefused(_ name: String) { #expect(HostRules(names: [name]) == nil) }
}

@Suite struct IPAddressTests {
  @Test(arguments: [
    ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:DB8::", "2001:db8:0:0:0:0:0:0"), ("::1", "0:0:0:0:0:0:0:1"),
    ("1::8", "1:0:0:0:0:0:0:8"),
  ])
  func sameAddress(_ left: String, _ right: String) {
    #expect(IPAddress(left) != nil)
    #expect(IPAddress(left) == IPAddress(right))
  }

  @Test(arguments: [
    "", "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4.5", "1..2.3", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "12345::", "g::", "+1::", "1.2.3.4::", "::1%eth0", "[::1]", "1:2:3:4:5:6:7::8", ":1:2:3:4:5:6:7",
  ])
  func badAddressIsRefused(_ text: String) { #expect(IPAddress(text) == nil) }

  @Test func addressesOfOneNetworkAreCountedTogether() {
    func network(_ text: String) -> AddressNetwork { AddressNetwork(IPAddress(text)!) }
    #expect(network("2001:db8::1") == network("2001:db8::ffff:1"))
    #expect(network("2001:db8::1") != network("2001:db8:0:1::1"))
    #expect(network("192.0.2.1") != network("192.0.2.2"))
    #expect(network("::1") != network("::2"))
  }
}
