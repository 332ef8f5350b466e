public import CasebusBroker
import CasebusProtocol
public import CasebusTransport
import CasebusWebSocket
import HummingbirdCore
import NIOCore

/// Joins the transport and the broker: a connection at `/v2` becomes a session (Protocol §2).
struct SessionAcceptor: WebSocketAcceptor {
  static let path = "/v2"
  let broker: Broker

  struct Ticket {
    var scope: WorkspaceScope
    var reservation: SessionReservation
  }

  func admit(target: String) throws(OpeningHandshakeRejection) -> Ticket {
    let uri = URI(target)
    guard uri.path == Self.path else {
      throw OpeningHandshakeRejection(
        status: 404, "there is nothing at \(Self.quoted(uri.path)), WebSocket connections go to \(Self.path)")
    }
    let workspace = uri.queryParameters["workspace"].map(String.init)
    guard let scope = WorkspaceScope(queryValue: workspace) else {
      throw OpeningHandshakeRejection(
        status: 400,
        "workspace is \(Self.quoted(workspace ?? "")), expected 1 to 64 of A-Z a-z 0-9 . _ - or * for all workspaces")
    }
    do throws(Failure) {
      return Ticket(scope: scope, reservation: try broker.reserveSession())
    } catch {
      throw OpeningHandshakeRejection(status: 503, error.message)
    }
  }

  /// What somebody sent, on one line and without control characters.
  private static func quoted(_ text: String) -> String { JSONValue.string(text).jsonText }

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
  public func setReading(_ isReading: Bool) {
    if isReading { resumeReading() } else { pauseReading() }
  }
}
