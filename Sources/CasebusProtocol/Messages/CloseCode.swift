/// Why a connection is closed (`Protocol/registry/close-codes.json`).
///
/// The range tells a client's policy: after 4000–4499 it reconnects, after 4500–4999 it does not (Protocol §2.5).
public enum CloseCode: UInt16, CaseIterable, Hashable, Sendable {
  case normal = 1000
  case protocolError = 1002
  case unsupportedData = 1003
  case invalidPayload = 1007
  case tooManyPings = 1008
  case messageTooBig = 1009
  case internalError = 1011
  case shuttingDown = 4000
  case slowConsumer = 4001
  case pingTimeout = 4002
  case overloaded = 4003
  case tooManyMalformed = 4500
  case policyViolation = 4501
  case consumerDeleted = 4502

  /// The registry's name of the code; the reason of a close frame begins with it.
  public var name: String {
    switch self {
    case .normal: "normal"
    case .protocolError: "protocol_error"
    case .unsupportedData: "unsupported_data"
    case .invalidPayload: "invalid_payload"
    case .tooManyPings: "too_many_pings"
    case .messageTooBig: "message_too_big"
    case .internalError: "internal_error"
    case .shuttingDown: "shutting_down"
    case .slowConsumer: "slow_consumer"
    case .pingTimeout: "ping_timeout"
    case .overloaded: "overloaded"
    case .tooManyMalformed: "too_many_malformed"
    case .policyViolation: "policy_violation"
    case .consumerDeleted: "consumer_deleted"
    }
  }
}
