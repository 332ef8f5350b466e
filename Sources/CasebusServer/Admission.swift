import CasebusAccess
import CasebusBroker
import CasebusProtocol
import CasebusWebSocket

/// Decides who a request acts for. WebSocket handshakes and HTTP routes ask the same one.
///
/// It only checks; whoever admits a session takes the room for it afterwards.
struct AdmissionPolicy: Sendable {
  /// - Throws: why the request is refused.
  func principal(of request: OpeningRequest) throws(AdmissionRefusal) -> Principal {
    .anonymous
  }
}

/// A session that may open: what it is for, and the room that is taken for it.
struct SessionAdmission: Sendable {
  let scope: WorkspaceScope
  let principal: Principal
  let peer: OpeningRequest.Peer
  let reservation: SessionReservation
}

/// Why somebody is not admitted.
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
