package import CasebusWebSocket
package import HummingbirdCore

/// Answers a plain HTTP request. Whether its connection stays open afterwards is not its business: the transport decides that
/// and says so to the client.
package typealias HTTPResponder = @Sendable (Request, OpeningRequest.Peer) async -> Response
