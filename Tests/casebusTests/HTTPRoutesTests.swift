import CasebusAccess
import CasebusBroker
import CasebusProtocol
import CasebusWebSocket
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import Testing

@testable import CasebusServer

@Suite struct HTTPRoutesTests {
  private let routes: HTTPRoutes

  init() {
    var routes = HTTPRoutes(policy: AdmissionPolicy(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    routes.add([
      HTTPRoute("/page", access: .open) { _ in Response(.ok, "a page", type: "text/html") },
      HTTPRoute("/things/one", methods: .these([.get, .put]), access: .admitted) { call in
        Response(.ok, "\(call.request.method) by \(call.principal.name.map(\.text) ?? "anonymous")")
      },
      HTTPRoute("/post", methods: .these([.post]), access: .open) { _ in Response(.ok, "posted") },
      HTTPRoute("/any", methods: .any, access: .open) { call in Response(.ok, call.request.method.rawValue) },
      HTTPRoute("/refuses", access: .open) { _ in throw AdmissionRefusal(.limitExceeded, "there is no room") },
      HTTPRoute("/fails", access: .open) { _ in throw ChannelError.eof },
      HTTPRoute("/loads", access: .open) { _ in
        var response = Response(.ok, "")
        response.headers[.contentSecurityPolicy] = "default-src 'self'"
        return response
      },
    ])
    routes.add([HTTPRoute("/", access: .open) { _ in Response(.ok, "root") }])
    self.routes = routes
  }

  @Test(arguments: [
    ("GET", "/", 200, "root"), ("GET", "/page", 200, "a page"), ("GET", "/page?x=y", 200, "a page"),
    ("GET", "/page/", 200, "a page"), ("GET", "/things/one", 200, "GET by anonymous"),
    ("PUT", "/things/one", 200, "PUT by anonymous"), ("POST", "/post", 200, "posted"),
    ("DELETE", "/any", 200, "DELETE"),
    ("GET", "/nothing", 404, "there is nothing here\n"), ("GET", "/things", 404, "there is nothing here\n"),
    ("GET", "/page/x", 404, "there is nothing here\n"), ("GET", "/PAGE", 404, "there is nothing here\n"),
    ("GET", "/%70age", 404, "there is nothing here\n"), ("POST", "/nothing", 404, "there is nothing here\n"),
    ("POST", "/page", 405, "the method is POST, allowed here are GET, HEAD\n"),
    ("DELETE", "/things/one", 405, "the method is DELETE, allowed here are GET, PUT, HEAD\n"),
    ("GET", "/post", 405, "the method is GET, allowed here are POST\n"),
    ("GET", "/refuses", 503, "there is no room\n"), ("GET", "/fails", 500, "the broker failed to answer\n"),
  ])
  func aRequestIsAnswered(_ method: String, _ target: String, _ status: Int, _ body: String) async throws {
    let response = await answer(method, target)
    #expect(response.status.code == status)
    #expect(try await text(of: response) == body)
    #expect(response.headers[.contentLength] == "\(body.utf8.count)")
    #expect(response.headers[.server] == "Casebus" && response.headers[.date]?.hasSuffix(" GMT") == true)
  }

  @Test(arguments: [
    ("/page", 200), ("/things/one", 200), ("/any", 200), ("/nothing", 404), ("/post", 405), ("/fails", 500),
  ])
  func headHasTheFieldsOfGetAndNoContent(_ target: String, _ status: Int) async throws {
    let response = await answer("HEAD", target)
    let ofGet = await answer("GET", target)
    #expect(response.status.code == status && ofGet.status.code == status)
    #expect(try await text(of: response) == "")
    // The texts name the method.
    guard target != "/things/one", target != "/any", target != "/post" else { return }
    #expect(response.headers[.contentLength] == ofGet.headers[.contentLength])
    #expect(response.headers[.contentType] == ofGet.headers[.contentType])
  }

  @Test(arguments: [
    ("/page", "GET, HEAD"), ("/things/one", "GET, PUT, HEAD"), ("/post", "POST"), ("/any", nil), ("/nothing", nil),
  ])
  func anotherMethodIsToldWhichAreAllowed(_ target: String, _ allowed: String?) async {
    #expect(await answer("PATCH", target).headers[.allow] == allowed)
  }

  @Test func aPageLoadsNothingUnlessItsRouteSaysSo() async {
    #expect(await answer("GET", "/page").headers[.contentSecurityPolicy]?.hasPrefix("default-src 'none'") == true)
    #expect(await answer("GET", "/loads").headers[.contentSecurityPolicy] == "default-src 'self'")
  }

  private func answer(_ method: String, _ target: String) async -> Response {
    let head = HTTPRequest(method: .init(method)!, scheme: "http", authority: "a", path: target)
    return await routes.respond(
      to: Request(head: head, body: RequestBody(buffer: ByteBuffer())), from: OpeningRequest.Peer())
  }

  private func text(of response: Response) async throws -> String {
    let text = Collected()
    try await response.body.write(CollectingWriter(into: text))
    return String(buffer: text.bytes)
  }
}

private final class Collected {
  var bytes = ByteBuffer()
}

private struct CollectingWriter: ResponseBodyWriter {
  let collected: Collected

  init(into collected: Collected) {
    self.collected = collected
  }

  func write(_ buffer: ByteBuffer) async throws {
    collected.bytes.writeImmutableBuffer(buffer)
  }

  func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
