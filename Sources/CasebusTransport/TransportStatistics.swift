/// The counts of a server's connections, added up on demand.
package struct TransportStatistics: Hashable, Sendable {
  /// Why a connection is refused before anything is read from it.
  package enum Refusal: String, CaseIterable, Hashable, Sendable {
    case stopping
    case connectionsMax = "connections_max"
    case connectionsPerAddressMax = "connections_per_address_max"
  }

  /// Open connections of any kind, without those that are being refused.
  package var open = 0
  /// How many of them are not (yet) WebSocket connections.
  package var openPlain = 0
  /// Connections accepted since the start, with refused ones.
  package var accepted = 0
  /// Connections refused since the start, by reason.
  package var refused: [Refusal: Int] = [:]
  /// How many of them were closed without an answer (`refusalsMax`).
  package var dropped = 0
  /// The counts of the event loops since the start.
  package var counts = ConnectionCounts()
}

/// The counts of one event loop since the start.
package struct ConnectionCounts: Hashable, Sendable {
  /// WebSocket connections that were opened.
  package var handshakesTaken = 0
  /// Requests refused before any route, by HTTP status: refused opening handshakes and invalid HTTP.
  package var requestsRefused: [Int: Int] = [:]
  /// Plain requests that were given to the routes.
  package var plainRequests = 0
  /// TLS handshakes that began or wait for their turn.
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
