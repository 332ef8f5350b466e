import CasebusAccess
import CasebusBroker
import CasebusProtocol
package import CasebusTransport
import CasebusWebSocket
import NIOCore

/// Connects the transport and the broker: a connection at `/v2` becomes a session (Protocol §2).
struct SessionAcceptor: WebSocketAcceptor {
  let broker: Broker
  let policy: AdmissionPolicy

  func admit(_ request: OpeningRequest) throws(OpeningHandshakeRejection) -> SessionAdmission {
    do throws(AdmissionRefusal) {
      let (scope, principal) = try check(request)
      return SessionAdmission(scope: scope, principal: principal, peer: request.peer, reservation: try reservation())
    } catch {
      throw OpeningHandshakeRejection(error)
    }
  }

  /// The scope and the principal that a session would have. Does not reserve a place.
  func check(_ request: OpeningRequest) throws(AdmissionRefusal) -> (WorkspaceScope, Principal) {
    (try OpeningTarget(request).scope, try policy.principal(of: request))
  }

  private func reservation() throws(AdmissionRefusal) -> SessionReservation {
    do throws(Failure) {
      return try broker.reserveSession()
    } catch {
      throw AdmissionRefusal(.limitExceeded, error.message)
    }
  }

  func open(
    _ admission: SessionAdmission, _ connection: WebSocketHandler, on eventLoop: any EventLoop
  ) -> any MessageReceiver {
    let encoding = connection.deflateAgreement.map { MessageEncoding.deflated(windowBits: $0.server.windowBits) }
    return SessionReceiver(
      broker.openSession(
        admission.scope, reservation: admission.reservation, encoding: encoding ?? .plain, sink: connection,
        origin: SessionOrigin(
          address: admission.peer.address ?? "unknown", identity: admission.peer.certificateSubject,
          principal: admission.principal),
        on: eventLoop))
  }
}

/// Passes the received messages of a connection to its session.
private final class SessionReceiver: MessageReceiver {
  private let session: Session

  init(_ session: Session) {
    self.session = session
  }

  func textReceived(_ text: ByteBuffer) { session.textReceived(text) }

  func binaryReceived(_ bytes: ByteBuffer) { session.binaryReceived(byteCount: bytes.readableBytes) }

  func connectionClosed(_ closure: ConnectionClosure) {
    session.connectionClosed(code: closure.code, reason: closure.reason, bytesSent: closure.bytesSent)
  }
}

/// The sink of a session: all that it knows of its connection.
extension WebSocketHandler: SessionSink {
  package func setReading(_ isReading: Bool) {
    if isReading { resumeReading() } else { pauseReading() }
  }
}
