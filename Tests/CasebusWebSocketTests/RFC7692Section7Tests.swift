import Testing

@testable import CasebusWebSocket

@Suite("RFC 7692 §7.1 negotiation, server side")
struct DeflateNegotiationTests {
  private func answer(_ offers: [String], _ policy: DeflatePolicy = DeflatePolicy()) -> DeflateParameters? {
    policy.answer(HandshakeHeaders(offers.map { ("Sec-WebSocket-Extensions", $0) }).list("sec-websocket-extensions"))
  }

  static let accepted: [(offer: String, answer: String)] = [
    ("permessage-deflate", ""),
    ("PERMESSAGE-DEFLATE", ""),
    ("permessage-deflate; server_no_context_takeover", ""),
    ("permessage-deflate; client_no_context_takeover", "; client_no_context_takeover"),
    ("permessage-deflate; client_max_window_bits", ""),
    ("permessage-deflate; client_max_window_bits=15", "; client_max_window_bits=15"),
    ("permessage-deflate; client_max_window_bits=8", "; client_max_window_bits=8"),
    ("permessage-deflate; client_max_window_bits=\"10\"", "; client_max_window_bits=10"),
    ("permessage-deflate; server_max_window_bits=15", "; server_max_window_bits=15"),
    ("permessage-deflate; server_max_window_bits=9", "; server_max_window_bits=9"),
    ("permessage-deflate ;server_max_window_bits = 10;client_max_window_bits", "; server_max_window_bits=10"),
    ("x-other; a=\"b,c;d\\\"\", permessage-deflate", ""),
    ("permessage-deflate; server_max_window_bits=8, permessage-deflate", ""),
    ("permessage-deflate; foo, permessage-deflate; client_no_context_takeover", "; client_no_context_takeover"),
  ]

  @Test("An offer is answered with what it asks for", arguments: accepted)
  func accepts(row: (offer: String, answer: String)) {
    let expected = "permessage-deflate; server_no_context_takeover" + row.answer
    #expect(answer([row.offer])?.description == expected)
  }

  @Test(
    "A malformed offer is declined, the next one considered",
    arguments: [
      "x-webkit-deflate-frame", "permessage-deflate; unknown", "permessage-deflate; unknown=1",
      "permessage-deflate; server_no_context_takeover=1", "permessage-deflate; server_no_context_takeover=\"true\"",
      "permessage-deflate; client_no_context_takeover=0",
      "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
      "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
      "permessage-deflate; server_max_window_bits", "permessage-deflate; server_max_window_bits=",
      "permessage-deflate; server_max_window_bits=7", "permessage-deflate; server_max_window_bits=8",
      "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits=010",
      "permessage-deflate; server_max_window_bits=+9", "permessage-deflate; server_max_window_bits=\"10",
      "permessage-deflate; client_max_window_bits=7", "permessage-deflate; client_max_window_bits=16",
      "permessage-deflate; client_max_window_bits=", "permessage-deflate; client_max_window_bits=x",
      "permessage-deflate; client_max_window_bits=9=9", "permessage-deflate;", "permessage-deflate; ;",
      "permessage deflate", "\"permessage-deflate\"", "=", ";", "permessage-deflate; \"client_max_window_bits\"",
    ])
  func declines(offer: String) {
    #expect(answer([offer]) == nil)
    let next = "permessage-deflate; client_no_context_takeover"
    let expected = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    if !offer.hasSuffix("=\"10") { #expect(answer([offer + ", " + next])?.description == expected) }
    #expect(answer([offer, next])?.description == expected)
  }

  @Test("No offer, no answer")
  func noOffer() {
    #expect(answer([]) == nil)
    #expect(answer(["", " , "]) == nil)
  }

  /// RFC 7692 §7.1.2: the policy's windows.
  static let policies: [(policy: DeflatePolicy, offer: String, answer: String)] = [
    (.init(serverWindowBitsMax: 10), "", "; server_max_window_bits=10"),
    (.init(serverWindowBitsMax: 10), "; server_max_window_bits=12", "; server_max_window_bits=10"),
    (.init(serverWindowBitsMax: 10), "; server_max_window_bits=9", "; server_max_window_bits=9"),
    (.init(clientContextWindowBitsMax: 11), "; client_max_window_bits", "; client_max_window_bits=11"),
    (.init(clientContextWindowBitsMax: 11), "; client_max_window_bits=9", "; client_max_window_bits=9"),
    (.init(clientContextWindowBitsMax: 11), "; client_max_window_bits=15", "; client_max_window_bits=11"),
    (.init(clientContextWindowBitsMax: 11), "", "; client_no_context_takeover"),
    (
      .init(clientContextWindowBitsMax: 11), "; client_no_context_takeover; client_max_window_bits",
      "; client_no_context_takeover"
    ),
    (.init(clientContextWindowBitsMax: 0), "; client_max_window_bits", "; client_no_context_takeover"),
    (
      .init(clientContextWindowBitsMax: 0), "; client_max_window_bits=9",
      "; client_no_context_takeover; client_max_window_bits=9"
    ),
    (.init(clientContextWindowBitsMax: 0), "", "; client_no_context_takeover"),
  ]

  @Test("The server keeps to its policy", arguments: policies)
  func policy(row: (policy: DeflatePolicy, offer: String, answer: String)) {
    let expected = "permessage-deflate; server_no_context_takeover" + row.answer
    #expect(answer(["permessage-deflate" + row.offer], row.policy)?.description == expected)
  }

  @Test("The agreement is what the answer says, for both roles")
  func agreement() {
    let parameters = answer(["permessage-deflate; server_max_window_bits=12; client_max_window_bits=10"])!
    let agreement = DeflateAgreement(answer: parameters)
    let (server, client) = (
      DeflateAgreement.Direction(windowBits: 12, keepsContext: false), DeflateAgreement.Direction(windowBits: 10)
    )
    #expect(agreement == DeflateAgreement(server: server, client: client))
    #expect(agreement.inbound(for: .server) == client && agreement.outbound(for: .server) == server)
    #expect(agreement.inbound(for: .testClient) == server && agreement.outbound(for: .testClient) == client)
  }

  @Test("A server without a policy declines every offer")
  func switchedOff() {
    let headers = OpeningHandshakeTests.good + [("Sec-WebSocket-Extensions", "permessage-deflate")]
    let answer = OpeningHandshake(deflate: nil).requestReceived(
      OpeningRequest(method: "GET", target: "/", headers: headers))
    guard case .accept(let response) = answer else { return #expect(Bool(false), "\(answer)") }
    #expect(response.deflate == nil)
    #expect(!response.headers.contains { $0.name == "Sec-WebSocket-Extensions" })
  }
}
