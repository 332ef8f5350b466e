import CasebusTransport
import CasebusWebSocket
import HTTPTypes
import Hummingbird

/// The plain HTTP side of the port.
struct Endpoints {
  let acceptor: SessionAcceptor
  let handshake: OpeningHandshake

  var router: Router<BasicRequestContext> {
    let router = Router()
    router.get("/") { request, _ in
      Response(
        status: .ok, headers: [.contentType: "text/html; charset=utf-8"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: Page.html(host: request.head.authority ?? "localhost"))))
    }
    for method in [HTTPRequest.Method.get, .head, .post, .put, .patch, .delete, .options] {
      router.on("v2", method: method) { request, _ in refusal(of: request) }
    }
    return router
  }

  /// The answer to a request at the WebSocket path that was not upgraded: why not.
  private func refusal(of request: Request) -> Response {
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
  fileprivate init(rejection: OpeningHandshakeRejection) {
    var headers: HTTPFields = [.contentType: "text/plain; charset=utf-8", .connection: "close"]
    for header in rejection.headers {
      if let name = HTTPField.Name(header.name) { headers[name] = header.value }
    }
    self.init(
      status: HTTPResponse.Status(code: rejection.status), headers: headers,
      body: ResponseBody(byteBuffer: ByteBuffer(string: rejection.reason + "\n")))
  }
}
