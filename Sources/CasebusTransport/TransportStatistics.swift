/// What the connections of a server have done and are doing, added up at the moment when somebody asks.
package struct TransportStatistics: Hashable, Sendable {
  /// Why a connection is refused before anything is read from it.
  package enum Refusal: String, CaseIterable, Hashable, Sendable {
    case stopping
    case connectionsMax = "connections_max"
    case connectionsPerAddressMax = "connections_per_address_max"
  }

  /// Connections that are open now, of whatever kind, without those that are being refused.
  package var open = 0
  /// Those of them that are no WebSocket connections (yet).
  package var openPlain = 0
  /// Connections that were accepted since the start, those that were refused included.
  package var accepted = 0
  /// Connections that were refused since the start, by reason.
  package var refused: [Refusal: Int] = [:]
  /// Those of them that were closed without an answer (`refusalsMax`).
  package var dropped = 0
  /// What was counted since the start on the event loops.
  package var counts = ConnectionCounts()
}

/// What one event loop has counted since the start.
package struct ConnectionCounts: Hashable, Sendable {
  /// WebSocket connections that were opened.
  package var handshakesTaken = 0
  /// Requests that were refused before any route saw them, by HTTP status: opening handshakes that are not taken, and what
  /// is no good HTTP.
  package var requestsRefused: [Int: Int] = [:]
  /// Plain requests that were given to the routes.
  package var plainRequests = 0
  /// TLS handshakes that were begun, or wait for their turn.
  package var tlsHandshakes = 0
  /// TLS handshakes that failed.
  package var tlsHandshakesFailed = 0

  static func += (sum: inout ConnectionCounts, counts: ConnectionCounts) {
    sum.handshakesTaken += counts.handshakesTaken
    sum.requestsRefused.merge(counts.requestsRefused, uniquingKeysWith: +)
    sum.plainRequests += counts.plainRequests
    sum.tlsHandshakes += counts.tlsHandshakes
    sum.tlsHandshakesFailed += counts.tlsHandshakesFailed
  }
}

/// The counts of one event loop, used on that loop only: counting is an increment in memory.
final class ConnectionCounter {
  var counts = ConnectionCounts()
}
