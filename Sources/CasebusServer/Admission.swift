import CasebusAccess
import CasebusBroker
import CasebusProtocol
import CasebusWebSocket

/// Decides which principal a request acts for. WebSocket handshakes and HTTP routes ask the same policy.
///
/// It only checks; the acceptor reserves the place of a session afterwards.
struct AdmissionPolicy: Sendable {
  /// - Throws: why the request is refused.
  func principal(of request: OpeningRequest) throws(AdmissionRefusal) -> Principal {
    .anonymous
  }
}

/// An admitted session: its scope, its principal, and its reservation.
struct SessionAdmission: Sendable {
  let scope: WorkspaceScope
  let principal: Principal
  let peer: OpeningRequest.Peer
  let reservation: SessionReservation
}

/// Why a request is not admitted.
struct AdmissionRefusal: Error, Hashable, Sendable {
  /// For programs; a closed set.
  enum Code: String, CaseIterable, Sendable {
    case badRequest = "bad_request"
    case notFound = "not_found"
    case limitExceeded = "limit_exceeded"
  }

  let code: Code
  /// One line for people: what was wrong, its value, and what would be right.
  let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The HTTP status.
  var status: Int {
    switch code {
    case .badRequest: 400
    case .notFound: 404
    case .limitExceeded: 503
    }
  }
}

extension OpeningHandshakeRejection {
  init(_ refusal: AdmissionRefusal) {
    self.init(status: refusal.status, refusal.message)
  }
}
