package import CasebusWebSocket

/// What connections may cost, in bytes, in number and in time. The defaults are those of `Protocol/registry/limits.json`.
package struct ConnectionConfiguration: Sendable {
  /// What one WebSocket connection may send.
  package var limits = WebSocketLimits(messageBytesMax: 65_536, frameBytesMax: 73_792)
  /// permessage-deflate (RFC 7692) for those who offer it; nil declines every offer.
  package var deflate: DeflateConfiguration? = DeflateConfiguration()
  /// Bytes that may wait to be taken by one peer; over it the connection is closed as a slow consumer.
  package var outboundQueueBytesMax = 1 << 20
  /// Bytes of messages that are longer than 64 KiB each and may wait besides them.
  package var outboundLongBytesMax = 8 << 20
  /// How long a peer for which more than ``outboundQueueBytesMax`` bytes wait may take nothing of them.
  package var outboundStallSeconds = 5
  /// Bytes that may wait to be taken by all peers together; over it the slowest are cut off.
  package var outboundTotalBytesMax = 256 << 20
  /// Connections, of whatever kind.
  package var connectionsMax = 25_000
  /// Connections from one address, or from one /64 network of IPv6. nil: half of ``connectionsMax``, and those from this
  /// machine itself are not limited, because a proxy that stands here brings everybody's.
  package var connectionsPerAddressMax: Int?
  /// How long each request of a connection may take to be there whole.
  package var handshakeTimeoutSeconds = 10
  /// How long a connection may be open between two plain requests, and how long its peer may take nothing of an answer.
  package var httpIdleSeconds = 30
  /// Plain requests that one connection may make.
  package var httpRequestsPerConnectionMax = 1000
  /// Bytes of all header fields of an HTTP request.
  package var headerBytesMax = 16_384
  /// Header fields of an HTTP request.
  package var headerFieldsMax = 100
  /// When a silent peer is pinged and given up, and how long a closing handshake may take.
  package var timing = KeepAlive.Timing()

  package init() {}
}

/// How messages are deflated.
package struct DeflateConfiguration: Hashable, Sendable {
  /// 1 (fast) to 9 (small).
  package var level = 6
  /// Shorter messages are sent as they are.
  package var thresholdBytes = 128
  /// The base-two logarithm of the window that a client may keep between its messages, which costs this broker so many
  /// bytes for each connection that makes use of it; 0 for none.
  package var clientWindowBitsMax = 15

  package init() {}

  var policy: DeflatePolicy { DeflatePolicy(clientContextWindowBitsMax: clientWindowBitsMax) }
}
