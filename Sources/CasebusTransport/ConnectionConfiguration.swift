public import CasebusWebSocket
import NIOCore

/// What one WebSocket connection may cost, in bytes and in time.
public struct ConnectionConfiguration: Sendable {
  public var limits: WebSocketLimits
  /// Bytes that may wait to be taken by the peer; over it the connection is closed (`outboundQueueBytesMax`).
  public var outboundQueueBytesMax: Int
  /// How long the opening handshake may take, and how long a plain HTTP connection may be idle.
  public var handshakeTimeoutSeconds: Int
  /// When a silent peer is pinged and given up, and how long a closing handshake may take.
  public var timing: KeepAlive.Timing

  public init(
    limits: WebSocketLimits = WebSocketLimits(messageBytesMax: 65_536, frameBytesMax: 65_536),
    outboundQueueBytesMax: Int = 1 << 20, handshakeTimeoutSeconds: Int = 10,
    timing: KeepAlive.Timing = KeepAlive.Timing()
  ) {
    self.limits = limits
    self.outboundQueueBytesMax = outboundQueueBytesMax
    self.handshakeTimeoutSeconds = handshakeTimeoutSeconds
    self.timing = timing
  }

  /// Above this many unsent bytes the channel says that it is not writable, which is how a slow peer is noticed.
  var waterMark: ChannelOptions.Types.WriteBufferWaterMark {
    ChannelOptions.Types.WriteBufferWaterMark(low: outboundQueueBytesMax / 2, high: outboundQueueBytesMax)
  }
}
