import CasebusTransport
import CasebusWebSocket
import HTTPTypes
import Hummingbird

/// The plain HTTP side of the port.
struct Endpoints {
  let acceptor: SessionAcceptor
  let handshake: OpeningHandshake
  let readiness: Readiness
  let isSecure: Bool

  var router: Router<BasicRequestContext> {
    let router = Router()
    router.add(middleware: LastResponse())
    for method in [HTTPRequest.Method.get, .head] {
      router.on("/", method: method) { request, _ in
        Response(.ok, Page.html(host: request.head.authority ?? "localhost", isSecure: isSecure), type: "text/html")
      }
      router.on("health", method: method) { _, _ in Response(.ok, "ok\n") }
      router.on("ready", method: method) { _, _ in
        readiness.obstacle.map { Response(.serviceUnavailable, $0 + "\n") } ?? Response(.ok, "ready\n")
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
    guard request.uri.path == OpeningTarget.path else { return Response(.notFound, "there is nothing here\n") }
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

/// Says what holds for all answers: a connection carries one request only, because what follows it would not be looked
/// at by the handshake's guard; and browsers keep to what the page is.
private struct LastResponse: RouterMiddleware {
  /// A page here loads nothing, and is part of no other page (Content Security Policy Level 3).
  private static let policy = "default-src 'none'; connect-src *; style-src 'unsafe-inline'; frame-ancestors 'none'"

  func handle(
    _ request: Request, context: BasicRequestContext, next: (Request, BasicRequestContext) async throws -> Response
  ) async throws -> Response {
    var response: Response
    do {
      response = try await next(request, context)
    } catch let error as HTTPError {
      response = try error.response(from: request, context: context)
    }
    response.headers[.connection] = "close"
    response.headers[.xContentTypeOptions] = "nosniff"
    if response.headers[.contentSecurityPolicy] == nil { response.headers[.contentSecurityPolicy] = Self.policy }
    // RFC 9110 §9.3.2: the fields as for GET, Content-Length too, and no content.
    return request.method == .head ? response.createHeadResponse() : response
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
    for header in rejection.headers {
      if let name = HTTPField.Name(header.name) { headers[name] = header.value }
    }
  }
}
