/// The opening handshake, client side (RFC 6455 §4.1): makes the request and checks the answer.
package struct ClientOpeningHandshake: Sendable {
  package let subprotocols: [String]
  /// Whether permessage-deflate is offered; the client then lets the server limit its window.
  package let offersDeflate: Bool
  private let key: String

  /// - Parameters:
  ///   - keyBytes: 16 bytes, drawn at random for each connection.
  package init(keyBytes: [UInt8], subprotocols: [String] = ["casebus.v2"], offersDeflate: Bool = true) {
    precondition(keyBytes.count == 16, "a key has 16 bytes")
    key = Base64.encode(keyBytes)
    self.subprotocols = subprotocols
    self.offersDeflate = offersDeflate
  }

  /// The headers of the GET request; the caller adds Host and its own.
  package var requestHeaders: [HandshakeHeader] {
    var headers = [
      HandshakeHeader("Upgrade", "websocket"), HandshakeHeader("Connection", "Upgrade"),
      HandshakeHeader("Sec-WebSocket-Key", key), HandshakeHeader("Sec-WebSocket-Version", "13"),
    ]
    if !subprotocols.isEmpty {
      headers.append(HandshakeHeader("Sec-WebSocket-Protocol", subprotocols.joined(separator: ", ")))
    }
    if offersDeflate {
      headers.append(HandshakeHeader("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"))
    }
    return headers
  }

  /// The result of a valid answer.
  package struct Agreement: Hashable, Sendable {
    package let subprotocol: String?
    package let deflate: DeflateAgreement?
  }

  package enum OnResponse: Hashable, Sendable {
    case open(Agreement)
    case fail(Failure)
  }

  /// What was wrong with the answer; the client closes the transport.
  package enum Failure: Error, Hashable, Sendable {
    case status(Int)
    case upgradeMissing
    case acceptWrong
    case subprotocolNotOffered(String)
    case extensionNotAgreed(String)
  }

  package func responseReceived(
    status: Int, headers: some Sequence<(name: String, value: String)>
  ) -> OnResponse {
    let headers = HandshakeHeaders(headers)
    do throws(Failure) {
      try checkUpgrade(status: status, headers)
      return .open(Agreement(subprotocol: try subprotocol(headers), deflate: try deflate(headers)))
    } catch {
      return .fail(error)
    }
  }

  private func checkUpgrade(status: Int, _ headers: HandshakeHeaders) throws(Failure) {
    guard status == 101 else { throw .status(status) }
    guard headers.hasToken("websocket", in: "upgrade"), headers.hasToken("upgrade", in: "connection") else {
      throw .upgradeMissing
    }
    guard headers.single("sec-websocket-accept") == WebSocketAccept.value(key: key) else { throw .acceptWrong }
  }

  private func subprotocol(_ headers: HandshakeHeaders) throws(Failure) -> String? {
    let answered = headers.values("sec-websocket-protocol")
    guard let chosen = answered.first else { return nil }
    guard answered.count == 1, subprotocols.contains(chosen) else {
      throw .subprotocolNotOffered(answered.joined(separator: ", "))
    }
    return chosen
  }

  private func deflate(_ headers: HandshakeHeaders) throws(Failure) -> DeflateAgreement? {
    let answered = headers.list("sec-websocket-extensions")
    guard let element = answered.first else { return nil }
    guard answered.count == 1, offersDeflate, let parameters = Self.answer(element) else {
      throw .extensionNotAgreed(answered.joined(separator: ", "))
    }
    return DeflateAgreement(answer: parameters)
  }

  /// RFC 7692 §7.1.2: in an answer both windows have a value, and zlib cannot deflate with a client window of 8.
  private static func answer(_ element: Substring) -> DeflateParameters? {
    guard let answer = ExtensionOffer(element), answer.name == DeflateParameters.extensionName,
      let parameters = DeflateParameters(answer.parameters)
    else { return nil }
    switch parameters.clientMaxWindowBits {
    case .anyValue, .value(8): return nil
    case .absent, .value: return parameters
    }
  }
}
