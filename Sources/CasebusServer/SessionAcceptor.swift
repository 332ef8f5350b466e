import CasebusBroker
import CasebusProtocol
package import CasebusTransport
import CasebusWebSocket
import NIOCore

/// Joins the transport and the broker: a connection at `/v2` becomes a session (Protocol §2).
struct SessionAcceptor: WebSocketAcceptor {
  let broker: Broker

  struct Ticket {
    var scope: WorkspaceScope
    var reservation: SessionReservation
  }

  func admit(target: String) throws(OpeningHandshakeRejection) -> Ticket {
    let scope = try OpeningTarget(target).scope
    do throws(Failure) {
      return Ticket(scope: scope, reservation: try broker.reserveSession())
    } catch {
      throw OpeningHandshakeRejection(status: 503, error.message)
    }
  }

  func open(
    _ ticket: Ticket, _ connection: WebSocketHandler, on eventLoop: any EventLoop
  ) -> any MessageReceiver {
    let encoding = connection.deflateAgreement.map { MessageEncoding.deflated(windowBits: $0.server.windowBits) }
    return SessionReceiver(
      broker.openSession(
        ticket.scope, reservation: ticket.reservation, encoding: encoding ?? .plain, sink: connection,
        origin: SessionOrigin(address: connection.remoteAddress ?? "unknown", identity: connection.peerSubject),
        on: eventLoop))
  }
}

/// Gives a session what its connection receives.
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

/// A session writes to its connection, of which it knows no more than this.
extension WebSocketHandler: SessionSink {
  package func setReading(_ isReading: Bool) {
    if isReading { resumeReading() } else { pauseReading() }
  }
}
