/// Why a connection ends (RFC 6455 §7.4 and the IANA registry of close codes).
public struct WebSocketCloseCode: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt16

  public init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  public static let normalClosure = WebSocketCloseCode(rawValue: 1000)
  public static let goingAway = WebSocketCloseCode(rawValue: 1001)
  public static let protocolError = WebSocketCloseCode(rawValue: 1002)
  public static let unsupportedData = WebSocketCloseCode(rawValue: 1003)
  /// Never on the wire: the peer's close frame had no code.
  public static let noStatusReceived = WebSocketCloseCode(rawValue: 1005)
  /// Never on the wire: the connection ended without a close frame.
  public static let abnormalClosure = WebSocketCloseCode(rawValue: 1006)
  public static let invalidPayload = WebSocketCloseCode(rawValue: 1007)
  public static let policyViolation = WebSocketCloseCode(rawValue: 1008)
  public static let messageTooBig = WebSocketCloseCode(rawValue: 1009)
  public static let mandatoryExtension = WebSocketCloseCode(rawValue: 1010)
  public static let internalError = WebSocketCloseCode(rawValue: 1011)

  /// Whether a close frame may carry the code: 1000–1003, 1007–1014, 3000–4999 (RFC 6455 §7.4.2, IANA registry).
  public var isAllowedOnTheWire: Bool {
    switch rawValue {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}
