import CasebusAccess
import CasebusBroker
import CasebusWebSocket
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore

/// One path of the server and its answers.
struct HTTPRoute: Sendable {
  enum Access: Sendable {
    /// For everybody, without a check.
    case open
    /// For requests that the ``AdmissionPolicy`` admits.
    case admitted
  }

  enum Methods: Sendable {
    case these([HTTPRequest.Method])
    /// The route itself checks the method.
    case any
  }

  /// A request for this route.
  struct Call: Sendable {
    let request: Request
    let opening: OpeningRequest
    /// Anonymous if the route is open.
    let principal: Principal
  }

  /// Such as `/health`.
  let path: String
  /// GET includes HEAD.
  let methods: Methods
  let access: Access
  let respond: @Sendable (Call) async throws -> Response

  init(
    _ path: String, methods: Methods = .these([.get]), access: Access,
    respond: @escaping @Sendable (Call) async throws -> Response
  ) {
    self.path = path
    self.methods = methods
    self.access = access
    self.respond = respond
  }

  /// The methods of this route, for the Allow header (RFC 9110 §10.2.1); nil if it takes all.
  var allowed: [HTTPRequest.Method]? {
    guard case .these(let methods) = methods else { return nil }
    return methods.contains(.get) ? methods + [.head] : methods
  }
}

/// The plain HTTP side of the server: a list of routes, to which each part of the server adds its own.
struct HTTPRoutes: Sendable {
  private let policy: AdmissionPolicy
  private let logger: Logger
  private var routes: [String: HTTPRoute] = [:]

  /// By default a page loads nothing and cannot be part of another page (Content Security Policy Level 3); a route can
  /// set another value.
  private static let contentPolicy =
    "default-src 'none'; connect-src *; style-src 'unsafe-inline'; frame-ancestors 'none'"

  init(policy: AdmissionPolicy, logger: Logger) {
    self.policy = policy
    self.logger = logger
  }

  /// Each path can have one route.
  mutating func add(_ added: [HTTPRoute]) {
    for route in added {
      let previous = routes.updateValue(route, forKey: Self.key(route.path))
      precondition(previous == nil, "two routes have the path \(route.path)")
    }
  }

  /// The answer to any request.
  func respond(to request: Request, from peer: OpeningRequest.Peer) async -> Response {
    var response = await answer(request, OpeningRequest(request, from: peer))
    response.headers[.date] = httpDate()
    response.headers[.server] = "Casebus"
    response.headers[.xContentTypeOptions] = "nosniff"
    if response.headers[.contentSecurityPolicy] == nil {
      response.headers[.contentSecurityPolicy] = Self.contentPolicy
    }
    // RFC 9110 §9.3.2: the fields of GET, with Content-Length, and no content.
    return request.method == .head ? response.createHeadResponse() : response
  }

  private func answer(_ request: Request, _ opening: OpeningRequest) async -> Response {
    guard let route = routes[Self.key(opening.path)] else { return Response(.notFound, "there is nothing here\n") }
    if let allowed = route.allowed, !allowed.contains(request.method) {
      return Response(methodNotAllowed: request.method, allowed)
    }
    do {
      let principal =
        switch route.access {
        case .open: Principal.anonymous
        case .admitted: try policy.principal(of: opening)
        }
      return try await route.respond(HTTPRoute.Call(request: request, opening: opening, principal: principal))
    } catch let refusal as AdmissionRefusal {
      return Response(OpeningHandshakeRejection(refusal))
    } catch {
      logger.error("a request failed", metadata: ["path": "\(opening.path)", "error": "\(error)"])
      return Response(.internalServerError, "the broker failed to answer\n")
    }
  }

  /// Slashes at the end, and several in a row, are ignored.
  private static func key(_ path: String) -> String {
    path.utf8.split(separator: UInt8(ascii: "/")).map { String($0)! }.joined(separator: "/")
  }
}

extension OpeningRequest {
  init(_ request: Request, from peer: Peer) {
    // Hummingbird keeps the Host header separately.
    let host = request.head.authority.map { [(name: "Host", value: $0)] } ?? []
    self.init(
      method: request.method.rawValue, target: request.uri.string,
      headers: host + request.headers.map { (name: $0.name.rawName, value: $0.value) }, peer: peer)
  }
}

extension Response {
  /// A text.
  init(_ status: HTTPResponse.Status, _ text: String, type: String = "text/plain") {
    self.init(
      status: status, headers: [.contentType: "\(type); charset=utf-8"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }

  init(_ rejection: OpeningHandshakeRejection) {
    self.init(HTTPResponse.Status(code: rejection.status), rejection.reason + "\n")
    for header in rejection.headers {
      if let name = HTTPField.Name(header.name) { headers[name] = header.value }
    }
  }

  /// RFC 9110 §15.5.6.
  fileprivate init(methodNotAllowed method: HTTPRequest.Method, _ allowed: [HTTPRequest.Method]) {
    let names = allowed.map(\.rawValue).joined(separator: ", ")
    self.init(.methodNotAllowed, "the method is \(method.rawValue), allowed here are \(names)\n")
    headers[.allow] = names
  }
}
