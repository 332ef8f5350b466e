import CasebusTransport
import CasebusWebSocket
import HTTPTypes
import Hummingbird

/// The plain HTTP side of the port.
struct Endpoints {
  let acceptor: SessionAcceptor
  let handshake: OpeningHandshake
  let readiness: Readiness

  var router: Router<BasicRequestContext> {
    let router = Router()
    for method in [HTTPRequest.Method.get, .head] {
      router.on("/", method: method) { request, _ in
        Response(.ok, Page.html(host: request.head.authority ?? "localhost"), type: "text/html")
      }
      router.on("health", method: method) { _, _ in Response(.ok, "ok\n") }
      router.on("ready", method: method) { _, _ in
        readiness.isReady ? Response(.ok, "ready\n") : Response(.serviceUnavailable, "the broker is stopping\n")
      }
    }
    for method in [HTTPRequest.Method.get, .head, .post, .put, .patch, .delete, .options] {
      router.on("v2", method: method) { request, _ in refusal(of: request) }
    }
    return router
  }

  /// The answer to a request at the WebSocket path that was not upgraded: why not.
  private func refusal(of request: Request) -> Response {
    // Hummingbird's router takes /v2/ for the same path.
    guard request.uri.path == SessionAcceptor.path else { return Response(.notFound, "there is nothing here\n") }
    // Hummingbird keeps the Host header apart from the others.
    let host = request.head.authority.map { [(name: "Host", value: $0)] } ?? []
    let headers = host + request.headers.map { (name: $0.name.rawName, value: $0.value) }
    do throws(OpeningHandshakeRejection) {
      _ = try handshake.check(
        method: request.method.rawValue, target: request.uri.string, headers: headers, with: acceptor)
      return Response(rejection: .oldHTTP)
    } catch {
      return Response(rejection: error)
    }
  }
}

extension Response {
  /// A text.
  fileprivate init(_ status: HTTPResponse.Status, _ text: String, type: String = "text/plain") {
    self.init(
      status: status, headers: [.contentType: "\(type); charset=utf-8"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }

  fileprivate init(rejection: OpeningHandshakeRejection) {
    self.init(HTTPResponse.Status(code: rejection.status), rejection.reason + "\n")
    headers[.connection] = "close"
    for header in rejection.headers {
      if let name = HTTPField.Name(header.name) { headers[name] = header.value }
    }
  }
}
