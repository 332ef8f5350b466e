package import CasebusWebSocket
package import HummingbirdCore

/// Answers a plain HTTP request. The transport decides whether the connection stays open afterwards, and tells the
/// client.
package typealias HTTPResponder = @Sendable (Request, OpeningRequest.Peer) async -> Response
