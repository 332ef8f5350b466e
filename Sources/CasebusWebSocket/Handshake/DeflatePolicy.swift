/// What this server accepts for permessage-deflate (RFC 7692 §7.1). Whatever the client requests, the server sends without
/// context, so that one compressed message can go to many clients.
package struct DeflatePolicy: Hashable, Sendable {
  /// The smallest window zlib can deflate with; an offer that asks the server for less is declined.
  package static let serverWindowBitsMin = 9

  /// The largest window the server uses, 9…15.
  package let serverWindowBitsMax: Int
  /// The largest window the server keeps for a client between messages, 9…15; 0 for none. A client that does not accept this
  /// limit must not refer to earlier messages.
  package let clientContextWindowBitsMax: Int

  package init(serverWindowBitsMax: Int = 15, clientContextWindowBitsMax: Int = 15) {
    precondition((9...15).contains(serverWindowBitsMax), "the server's window has 9 to 15 bits")
    precondition(
      clientContextWindowBitsMax == 0 || (9...15).contains(clientContextWindowBitsMax),
      "a client's window has 9 to 15 bits, or 0 for none between messages")
    self.serverWindowBitsMax = serverWindowBitsMax
    self.clientContextWindowBitsMax = clientContextWindowBitsMax
  }

  /// The answer to the first acceptable offer.
  func answer(_ offers: [Substring]) -> DeflateParameters? {
    offers.lazy.compactMap { element in
      ExtensionOffer(element).flatMap { self.answer($0) }
    }.first
  }

  private func answer(_ offer: ExtensionOffer) -> DeflateParameters? {
    guard offer.name == DeflateParameters.extensionName, let asked = DeflateParameters(offer.parameters) else {
      return nil
    }
    var answer = DeflateParameters()
    answer.serverNoContextTakeover = true
    guard answerServerWindow(asked, &answer) else { return nil }
    answerClientWindow(asked, &answer)
    return answer
  }

  /// RFC 7692 §7.1.2.1: an offered limit is kept and confirmed.
  private func answerServerWindow(_ asked: DeflateParameters, _ answer: inout DeflateParameters) -> Bool {
    switch asked.serverMaxWindowBits {
    case .absent, .anyValue:
      if serverWindowBitsMax < 15 { answer.serverMaxWindowBits = .value(serverWindowBitsMax) }
      return true
    case .value(let bits):
      answer.serverMaxWindowBits = .value(min(bits, serverWindowBitsMax))
      return bits >= Self.serverWindowBitsMin
    }
  }

  /// RFC 7692 §7.1.2.2: the server may limit only a client that offered it, and does so only if a context is kept.
  private func answerClientWindow(_ asked: DeflateParameters, _ answer: inout DeflateParameters) {
    let keepsContext = clientContextWindowBitsMax > 0 && !asked.clientNoContextTakeover
    let limit = keepsContext ? clientContextWindowBitsMax : 15
    var bits = 15
    switch asked.clientMaxWindowBits {
    case .absent: break
    case .anyValue:
      bits = limit
      if bits < 15 { answer.clientMaxWindowBits = .value(bits) }
    case .value(let offered):
      bits = min(offered, limit)
      answer.clientMaxWindowBits = .value(bits)
    }
    answer.clientNoContextTakeover = !keepsContext || bits > clientContextWindowBitsMax
  }
}

extension DeflateAgreement {
  /// The agreement in an answer, which confirms or grants the offer.
  init(answer: DeflateParameters) {
    self.init(
      server: Direction(
        windowBits: answer.serverMaxWindowBits.orFull, keepsContext: !answer.serverNoContextTakeover),
      client: Direction(
        windowBits: answer.clientMaxWindowBits.orFull, keepsContext: !answer.clientNoContextTakeover))
  }
}

extension DeflateParameters.WindowBits {
  fileprivate var orFull: Int {
    switch self {
    case .absent, .anyValue: 15
    case .value(let bits): bits
    }
  }
}
