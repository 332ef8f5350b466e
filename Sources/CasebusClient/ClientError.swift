public import CasebusProtocol
public import CasebusTLS
import CasebusTransport

/// Why a connection or a command failed.
public enum ClientError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Nobody answers at the broker's address.
  case notConnected(String)
  /// The server refused the handshake, with this HTTP status if it answered with HTTP.
  case handshakeFailed(status: Int?, String)
  /// The server does not speak TLS.
  case speaksNoTLS(String)
  /// The broker's certificate is not accepted.
  case notTrusted(CertificateRefusal)
  /// The connection ended before the answer came.
  case connectionLost(code: UInt16, reason: String)
  /// This client ended the connection: too many events arrived, and were not taken, while it waited for an answer
  /// (`clientEventsBytesMax`).
  case tooManyEvents(bytesMax: Int)
  /// The broker refused the command, with an error code of Protocol §11 and a message for people.
  case refused(code: String, message: String)
  /// The broker's answer has another kind than the command requires.
  case unexpectedAnswer(ServerMessage)

  public var description: String {
    switch self {
    case .notConnected(let reason), .handshakeFailed(_, let reason), .speaksNoTLS(let reason): reason
    case .notTrusted(let refusal): "\(refusal)"
    case .connectionLost(let code, let reason): "the connection ended with close code \(code): \(reason)"
    case .tooManyEvents(let bytesMax):
      "more than \(bytesMax) bytes of events wait to be taken (clientEventsBytesMax): take them while answers are waited for"
    case .refused(let code, let message): "\(message) (\(code))"
    case .unexpectedAnswer(let answer): "the broker gave an answer of another kind than expected: \(answer)"
    }
  }
}

extension ClientError {
  /// Why there is no connection.
  init(_ error: any Error) {
    self =
      switch error as? ConnectError {
      case .tls(.certificateRefused(let refusal)): .notTrusted(refusal)
      case .tls(.notTLS): .speaksNoTLS("\(TLSError.notTLS)")
      case .tls(let error): .handshakeFailed(status: nil, "\(error)")
      case .refused(let status, _): .handshakeFailed(status: status, "\(error)")
      case .handshakeFailed: .handshakeFailed(status: nil, "\(error)")
      case .unreachable, nil: .notConnected("\(error)")
      }
  }

  /// Whether another attempt can succeed (Protocol §2.5, `registry/close-codes.json`).
  public var isWorthAnotherTry: Bool {
    switch self {
    case .notConnected, .tooManyEvents: true
    // Without a status: the server ended the connection, or is busy.
    case .handshakeFailed(let status, _): status.map { $0 >= 500 || $0 == 408 || $0 == 429 } ?? true
    case .connectionLost(let code, _): [1001, 1006, 1011].contains(code) || (4000..<4500).contains(code)
    case .refused(let code, _): [ErrorCode.journalUnavailable, .shuttingDown].map(\.rawValue).contains(code)
    case .notTrusted, .speaksNoTLS, .unexpectedAnswer: false
    }
  }
}
