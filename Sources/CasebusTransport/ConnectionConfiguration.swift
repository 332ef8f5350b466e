package import CasebusWebSocket

/// The limits of connections. The defaults are those of `Protocol/registry/limits.json`.
package struct ConnectionConfiguration: Sendable {
  /// Limits on what one WebSocket connection sends.
  package var limits = WebSocketLimits(messageBytesMax: 65_536, frameBytesMax: 73_792)
  /// permessage-deflate (RFC 7692) for clients that offer it; nil declines every offer.
  package var deflate: DeflateConfiguration? = DeflateConfiguration()
  /// Bytes that can be queued for one peer; above it the connection is closed as a slow consumer.
  package var outboundQueueBytesMax = 1 << 20
  /// Bytes of messages over 64 KiB each that can be queued in addition.
  package var outboundLongBytesMax = 8 << 20
  /// How long a peer with more than ``outboundQueueBytesMax`` queued bytes can take nothing before it is cut off.
  package var outboundStallSeconds = 5
  /// Bytes that can be queued for all peers; above it the slowest are cut off.
  package var outboundTotalBytesMax = 256 << 20
  /// Open connections of any kind.
  package var connectionsMax = 25_000
  /// Connections from one address, or from one /64 network of IPv6. nil: half of ``connectionsMax``, and no limit for
  /// this machine itself, because a proxy on it connects for everybody.
  package var connectionsPerAddressMax: Int?
  /// How long a request can take until it is received completely.
  package var handshakeTimeoutSeconds = 10
  /// How long a connection can stay open between two plain requests, and how long its peer can take nothing of an
  /// answer.
  package var httpIdleSeconds = 30
  /// Plain requests of one connection.
  package var httpRequestsPerConnectionMax = 1000
  /// Bytes of all header fields of an HTTP request.
  package var headerBytesMax = 16_384
  /// Header fields of an HTTP request.
  package var headerFieldsMax = 100
  /// When a silent peer is pinged, when its connection is ended, and how long a closing handshake can take.
  package var timing = KeepAlive.Timing()

  package init() {}
}

/// How messages are deflated.
package struct DeflateConfiguration: Hashable, Sendable {
  /// 1 (fast) to 9 (small).
  package var level = 6
  /// Shorter messages are not deflated.
  package var thresholdBytes = 128
  /// The base-two logarithm of the window that a client can keep between its messages. The window costs the broker as
  /// many bytes for each connection that uses it. 0: none.
  package var clientWindowBitsMax = 15

  package init() {}

  var policy: DeflatePolicy { DeflatePolicy(clientContextWindowBitsMax: clientWindowBitsMax) }
}
