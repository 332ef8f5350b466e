import Testing

@testable import CasebusWebSocket

@Suite("RFC 6455 §4.2 opening handshake, server side")
struct OpeningHandshakeTests {
  typealias Header = (name: String, value: String)

  static let good: [Header] = [
    ("Host", "server.example.com"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"),
  ]

  /// The good headers with those of one name replaced.
  static func good(_ name: String, _ values: String...) -> [Header] {
    good.filter { $0.name != name } + values.map { (name, $0) }
  }

  private func answer(
    _ headers: [Header], method: String = "GET", target: String = "/v2", handshake: OpeningHandshake = .init()
  ) -> OpeningHandshake.OnRequest {
    handshake.requestReceived(OpeningRequest(method: method, target: target, headers: headers))
  }

  private func accepted(_ headers: [Header], handshake: OpeningHandshake = .init()) -> OpeningHandshakeResponse? {
    guard case .accept(let response) = answer(headers, handshake: handshake) else { return nil }
    return response
  }

  private func rejected(
    _ headers: [Header], method: String = "GET", target: String = "/v2"
  ) -> OpeningHandshakeRejection? {
    guard case .reject(let rejection) = answer(headers, method: method, target: target) else { return nil }
    return rejection
  }

  @Test("The standard's example is accepted with its Sec-WebSocket-Accept")
  func example() {
    let response = accepted(Self.good)
    #expect(
      response?.headers == [
        HandshakeHeader("Upgrade", "websocket"), HandshakeHeader("Connection", "Upgrade"),
        HandshakeHeader("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
      ])
    #expect(response?.subprotocol == nil)
    #expect(response?.deflate == nil)
  }

  static let alsoGood: [[Header]] = [
    good.map { ($0.name.lowercased(), $0.value) }, good.map { ($0.name.uppercased(), $0.value) },
    good("Upgrade", "WebSocket"), good("Upgrade", "h2c, websocket"), good("Upgrade", "h2c", "websocket"),
    good("Connection", "keep-alive, Upgrade"), good("Connection", "keep-alive", "upgrade"),
    good("Connection", " , UPGRADE ,"), good("Sec-WebSocket-Key", " dGhlIHNhbXBsZSBub25jZQ==\t"),
  ]

  @Test("Case, lists and repeated fields make no difference", arguments: alsoGood)
  func lenient(headers: [Header]) {
    #expect(accepted(headers)?.headers.last?.value == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }

  static let bad: [(headers: [Header], status: Int, about: String)] = [
    (good("Host"), 400, "Host"), (good("Host", "a", "b"), 400, "Host"), (good("Host", ""), 400, "Host"),
    (good("Upgrade"), 400, "Upgrade"), (good("Upgrade", "websockets"), 400, "Upgrade"),
    (good("Upgrade", "\"websocket\""), 400, "Upgrade"),
    (good("Connection"), 400, "Connection"), (good("Connection", "keep-alive"), 400, "Connection"),
    (good("Sec-WebSocket-Version"), 426, "Version"), (good("Sec-WebSocket-Version", "8"), 426, "Version"),
    (good("Sec-WebSocket-Version", "13", "13"), 426, "Version"), (good("Sec-WebSocket-Version", "013"), 426, "Version"),
    (good("Sec-WebSocket-Key"), 400, "Key"), (good("Sec-WebSocket-Key", ""), 400, "Key"),
    (good("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="), 400, "Key"),
    (good("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ="), 400, "Key"),
    (good("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZS4="), 400, "Key"),
    (good("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j"), 400, "Key"),
    (good("Sec-WebSocket-Key", "dGhlIHNhbXBs-SBub25jZQ=="), 400, "Key"),
  ]

  @Test("A request without one of its parts is rejected by name", arguments: bad)
  func missingPart(row: (headers: [Header], status: Int, about: String)) {
    let rejection = rejected(row.headers)
    #expect(rejection?.status == row.status)
    #expect(rejection?.reason.contains(row.about) == true)
  }

  @Test("The status brings the headers it asks for")
  func rejectionHeaders() {
    #expect(rejected(Self.good, method: "POST")?.headers == [HandshakeHeader("Allow", "GET")])
    let version = rejected(Self.good("Sec-WebSocket-Version", "12"))
    #expect(version?.headers.contains(HandshakeHeader("Sec-WebSocket-Version", "13")) == true)
  }

  @Test("Only GET opens a WebSocket", arguments: ["POST", "HEAD", "OPTIONS", "get", ""])
  func method(method: String) {
    #expect(rejected(Self.good, method: method)?.status == 405)
  }

  @Test(
    "A target that is no path and no URL is rejected", arguments: ["", "*", "v2", "/v2#x", "/v 2", "/é", "ftp://h/"])
  func badTarget(target: String) {
    #expect(rejected(Self.good, target: target)?.status == 400)
  }

  @Test("A path or a URL is a target", arguments: ["/", "/v2?workspace=a%20b", "http://h/v2", "HTTPS://h/"])
  func goodTarget(target: String) {
    #expect(rejected(Self.good, target: target) == nil)
  }

  @Test(
    "casebus.v2 is chosen where it is offered",
    arguments: [
      (["casebus.v2"], "casebus.v2"), (["chat, casebus.v2"], "casebus.v2"), (["chat", "casebus.v2"], "casebus.v2"),
      (["chat"], nil), (["Casebus.V2"], nil), (["casebus.v22"], nil),
    ] as [([String], String?)])
  func subprotocol(offered: [String], chosen: String?) {
    let response = accepted(Self.good + offered.map { ("Sec-WebSocket-Protocol", $0) })
    #expect(response?.subprotocol == chosen)
    #expect(response?.headers.first { $0.name == "Sec-WebSocket-Protocol" }?.value == chosen)
  }
}

@Suite("RFC 6455 §4.1 opening handshake, client side")
struct ClientOpeningHandshakeTests {
  let handshake = ClientOpeningHandshake(keyBytes: Array("the sample nonce".utf8))

  static let good: [(name: String, value: String)] = [
    ("upgrade", "WebSocket"), ("connection", "upgrade"), ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
  ]

  private func outcome(_ more: [(name: String, value: String)]) -> ClientOpeningHandshake.OnResponse {
    handshake.responseReceived(status: 101, headers: Self.good + more)
  }

  @Test("The request asks for everything the standard asks for")
  func request() {
    #expect(
      handshake.requestHeaders == [
        HandshakeHeader("Upgrade", "websocket"), HandshakeHeader("Connection", "Upgrade"),
        HandshakeHeader("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        HandshakeHeader("Sec-WebSocket-Version", "13"),
        HandshakeHeader("Sec-WebSocket-Protocol", "casebus.v2"),
        HandshakeHeader("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
      ])
  }

  @Test("Our server and our client agree")
  func agreesWithServer() throws {
    let request = handshake.requestHeaders.map { (name: $0.name, value: $0.value) } + [("Host", "h")]
    let answer = OpeningHandshake().requestReceived(OpeningRequest(method: "GET", target: "/v2", headers: request))
    guard case .accept(let response) = answer else { return #expect(Bool(false), "\(answer)") }
    let outcome = handshake.responseReceived(
      status: 101, headers: response.headers.map { (name: $0.name, value: $0.value) })
    let deflate = DeflateAgreement(server: .init(keepsContext: false))
    #expect(outcome == .open(.init(subprotocol: "casebus.v2", deflate: deflate)))
    #expect(response.deflate == deflate)
  }

  static let bad: [(headers: [(name: String, value: String)], failure: ClientOpeningHandshake.Failure)] = [
    (Array(good.dropFirst()), .upgradeMissing), ([good[0], good[2]], .upgradeMissing),
    (Array(good.dropLast()), .acceptWrong),
    (good + [good[2]], .acceptWrong),
    (Array(good.dropLast()) + [("sec-websocket-accept", "s3pplmbitxaq9kygzzhzrbk+xoo=")], .acceptWrong),
    (good + [("Sec-WebSocket-Protocol", "chat")], .subprotocolNotOffered("chat")),
    (
      good + [("Sec-WebSocket-Protocol", "casebus.v2"), ("Sec-WebSocket-Protocol", "casebus.v2")],
      .subprotocolNotOffered("casebus.v2, casebus.v2")
    ),
  ]

  @Test("An answer without one of its parts fails", arguments: bad)
  func missingPart(row: (headers: [(name: String, value: String)], failure: ClientOpeningHandshake.Failure)) {
    #expect(handshake.responseReceived(status: 101, headers: row.headers) == .fail(row.failure))
  }

  @Test("Any status but 101 fails", arguments: [100, 200, 301, 400, 401, 503])
  func status(status: Int) {
    #expect(handshake.responseReceived(status: status, headers: Self.good) == .fail(.status(status)))
  }

  @Test("A plain answer opens without subprotocol and extension")
  func plainAnswer() {
    #expect(outcome([]) == .open(.init(subprotocol: nil, deflate: nil)))
  }

  @Test(
    "An extension answer that the offer does not allow fails",
    arguments: [
      "x-webkit-deflate-frame", "permessage-deflate, permessage-deflate", "permessage-deflate; foo",
      "permessage-deflate; server_max_window_bits", "permessage-deflate; client_max_window_bits",
      "permessage-deflate; client_max_window_bits=8", "permessage-deflate; server_max_window_bits=16",
      "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    ])
  func badExtension(answer: String) {
    #expect(outcome([("Sec-WebSocket-Extensions", answer)]) == .fail(.extensionNotAgreed(answer)))
  }

  @Test("An extension answer that nobody asked for fails")
  func unaskedExtension() {
    let plain = ClientOpeningHandshake(keyBytes: Array("the sample nonce".utf8), subprotocols: [], offersDeflate: false)
    #expect(plain.requestHeaders.count == 4)
    let headers = Self.good + [("Sec-WebSocket-Extensions", "permessage-deflate")]
    #expect(plain.responseReceived(status: 101, headers: headers) == .fail(.extensionNotAgreed("permessage-deflate")))
  }

  @Test("Every parameter of the answer is taken over")
  func parameters() {
    let answer =
      "permessage-deflate; client_no_context_takeover; server_max_window_bits=8; client_max_window_bits=9"
    let deflate = DeflateAgreement(server: .init(windowBits: 8), client: .init(windowBits: 9, keepsContext: false))
    #expect(outcome([("Sec-WebSocket-Extensions", answer)]) == .open(.init(subprotocol: nil, deflate: deflate)))
  }
}
