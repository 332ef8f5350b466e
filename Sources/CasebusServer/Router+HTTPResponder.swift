import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension Router where Context == BasicRequestContext {
  /// What the listener asks for answers. As Hummingbird's `Application` does it, which would bring its own listener.
  func httpResponder(_ logger: Logger) -> HTTPChannelHandler.Responder {
    let responder = buildResponder()
    return { request, writer, channel in
      let context = BasicRequestContext(source: ApplicationRequestContextSource(channel: channel, logger: logger))
      var response: Response
      do {
        response = try await responder.respond(to: request, context: context)
      } catch {
        logger.error("a request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
        response = Response(status: .internalServerError)
      }
      response.headers[.date] = httpDate()
      response.headers[.server] = "Casebus"
      try await writer.write(response: response.head, body: response.body)
    }
  }
}

/// The time in the form of RFC 9110 §5.6.7, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
private func httpDate() -> String {
  var now = time(nil)
  var fields = tm()
  gmtime_r(&now, &fields)
  return String(unsafeUninitializedCapacity: 30) { text in
    text.withMemoryRebound(to: CChar.self) { strftime($0.baseAddress!, $0.count, "%a, %d %b %Y %H:%M:%S GMT", &fields) }
  }
}
