/// The opening handshake, server side (RFC 6455 §4.2): checks a request and makes the answer.
package struct OpeningHandshake: Sendable {
  /// Accepted subprotocols, the preferred one first.
  package var subprotocols: [String]
  /// Nil declines every compression offer.
  package var deflate: DeflatePolicy?

  package init(subprotocols: [String] = ["casebus.v2"], deflate: DeflatePolicy? = DeflatePolicy()) {
    self.subprotocols = subprotocols
    self.deflate = deflate
  }

  package enum OnRequest: Hashable, Sendable {
    case accept(OpeningHandshakeResponse)
    case reject(OpeningHandshakeRejection)
  }

  /// The caller checks the target.
  package func requestReceived(_ request: OpeningRequest) -> OnRequest {
    do throws(OpeningHandshakeRejection) {
      try Self.checkRequestLine(method: request.method, target: request.target)
      try Self.checkUpgrade(request.headers)
      return .accept(response(key: try Self.key(request.headers), request.headers))
    } catch {
      return .reject(error)
    }
  }

  private func response(key: String, _ headers: HandshakeHeaders) -> OpeningHandshakeResponse {
    let offered = headers.list("sec-websocket-protocol")
    return OpeningHandshakeResponse(
      accept: WebSocketAccept.value(key: key),
      subprotocol: subprotocols.first { known in offered.contains { $0.utf8.elementsEqual(known.utf8) } },
      deflate: deflate?.answer(headers.list("sec-websocket-extensions")))
  }
}

/// The answer 101 to a valid request.
package struct OpeningHandshakeResponse: Hashable, Sendable {
  /// The header fields of the answer, in order.
  package let headers: [HandshakeHeader]
  /// The subprotocol agreed on, if any.
  package let subprotocol: String?
  /// permessage-deflate as agreed on; nil without it.
  package let deflate: DeflateAgreement?

  init(accept: String, subprotocol: String?, deflate: DeflateParameters?) {
    var headers = [
      HandshakeHeader("Upgrade", "websocket"), HandshakeHeader("Connection", "Upgrade"),
      HandshakeHeader("Sec-WebSocket-Accept", accept),
    ]
    if let subprotocol { headers.append(HandshakeHeader("Sec-WebSocket-Protocol", subprotocol)) }
    if let deflate { headers.append(HandshakeHeader("Sec-WebSocket-Extensions", deflate.description)) }
    self.headers = headers
    self.subprotocol = subprotocol
    self.deflate = deflate.map(DeflateAgreement.init(answer:))
  }
}

/// The answer to an invalid request.
package struct OpeningHandshakeRejection: Error, Hashable, Sendable {
  /// 400, 405 or 426.
  package let status: Int
  /// One line that says what was wrong, for the body.
  package let reason: String
  /// Header fields that the status requires.
  package let headers: [HandshakeHeader]

  package init(status: Int, _ reason: String, headers: [HandshakeHeader] = []) {
    self.status = status
    self.reason = reason
    self.headers = headers
  }
}
