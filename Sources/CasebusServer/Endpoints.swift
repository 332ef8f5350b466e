import CasebusTransport
import CasebusWebSocket
import HTTPTypes
import HummingbirdCore

/// The routes that every broker has (Protocol §2.6).
struct Endpoints {
  let acceptor: SessionAcceptor
  let handshake: OpeningHandshake
  let readiness: Readiness

  var routes: [HTTPRoute] {
    [
      HTTPRoute("/", access: .open) { call in
        Response(
          .ok,
          Page.html(host: call.request.head.authority ?? "localhost", isSecure: call.opening.peer.isSecure),
          type: "text/html")
      },
      HTTPRoute("/health", access: .open) { _ in Response(.ok, "ok\n") },
      HTTPRoute("/ready", access: .open) { [readiness] _ in
        readiness.obstacle.map { Response(.serviceUnavailable, $0 + "\n") } ?? Response(.ok, "ready\n")
      },
      // The handshake reports its own faults, and the acceptor reports who is not admitted.
      HTTPRoute(OpeningTarget.path, methods: .any, access: .open) { [self] call in refusal(of: call.opening) },
    ]
  }

  /// The answer to a request at the WebSocket path that was not upgraded: the reason.
  private func refusal(of request: OpeningRequest) -> Response {
    guard request.path == OpeningTarget.path else { return Response(.notFound, "there is nothing here\n") }
    if case .reject(let rejection) = handshake.requestReceived(request) { return Response(rejection) }
    do throws(AdmissionRefusal) {
      _ = try acceptor.check(request)
      return Response(.oldHTTP)
    } catch {
      return Response(OpeningHandshakeRejection(error))
    }
  }
}
