/// What one connection may cost.
public struct WebSocketLimits: Hashable, Sendable {
  /// Payload bytes of one message, after inflating. Over it: ``WebSocketViolation/messageTooLarge``.
  public var messageBytesMax: Int
  /// Payload bytes of one frame, as on the wire. Over it: ``WebSocketViolation/frameTooLarge``.
  public var frameBytesMax: Int
  /// Frames of one message. Over it: ``WebSocketViolation/tooManyFragments``.
  public var fragmentsPerMessageMax: Int
  /// Pings from the peer in a minute. Over it: ``WebSocketViolation/tooManyPings``.
  public var pingsPerMinuteMax: Int

  public init(
    messageBytesMax: Int = 1 << 20, frameBytesMax: Int = 1 << 20, fragmentsPerMessageMax: Int = 1024,
    pingsPerMinuteMax: Int = 120
  ) {
    self.messageBytesMax = messageBytesMax
    self.frameBytesMax = frameBytesMax
    self.fragmentsPerMessageMax = fragmentsPerMessageMax
    self.pingsPerMinuteMax = pingsPerMinuteMax
  }
}
