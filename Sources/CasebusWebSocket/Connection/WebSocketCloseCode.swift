/// Why a connection ends (RFC 6455 §7.4 and the IANA registry of close codes).
package struct WebSocketCloseCode: RawRepresentable, Hashable, Sendable {
  package let rawValue: UInt16

  package init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  package static let normalClosure = WebSocketCloseCode(rawValue: 1000)
  package static let goingAway = WebSocketCloseCode(rawValue: 1001)
  package static let protocolError = WebSocketCloseCode(rawValue: 1002)
  package static let unsupportedData = WebSocketCloseCode(rawValue: 1003)
  /// Never on the wire: the peer's close frame had no code.
  package static let noStatusReceived = WebSocketCloseCode(rawValue: 1005)
  /// Never on the wire: the connection ended without a close frame.
  package static let abnormalClosure = WebSocketCloseCode(rawValue: 1006)
  package static let invalidPayload = WebSocketCloseCode(rawValue: 1007)
  package static let policyViolation = WebSocketCloseCode(rawValue: 1008)
  package static let messageTooBig = WebSocketCloseCode(rawValue: 1009)
  package static let mandatoryExtension = WebSocketCloseCode(rawValue: 1010)
  package static let internalError = WebSocketCloseCode(rawValue: 1011)

  /// Whether a close frame may carry the code: 1000–1003, 1007–1014, 3000–4999 (RFC 6455 §7.4.2, IANA registry).
  package var isAllowedOnTheWire: Bool {
    switch rawValue {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}
