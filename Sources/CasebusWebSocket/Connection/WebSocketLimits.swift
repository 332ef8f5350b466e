/// The limits of one connection.
package struct WebSocketLimits: Hashable, Sendable {
  /// Payload bytes of one message, after inflating. Over it: ``WebSocketViolation/messageTooLarge``.
  package var messageBytesMax: Int
  /// Payload bytes of one frame, as on the wire. Over it: ``WebSocketViolation/frameTooLarge``.
  package var frameBytesMax: Int
  /// Frames of one message. Over it: ``WebSocketViolation/tooManyFragments``.
  package var fragmentsPerMessageMax: Int
  /// Pings from the peer in a minute. Over it: ``WebSocketViolation/tooManyPings``.
  package var pingsPerMinuteMax: Int

  package init(
    messageBytesMax: Int = 1 << 20, frameBytesMax: Int = 1 << 20, fragmentsPerMessageMax: Int = 1024,
    pingsPerMinuteMax: Int = 120
  ) {
    self.messageBytesMax = messageBytesMax
    self.frameBytesMax = frameBytesMax
    self.fragmentsPerMessageMax = fragmentsPerMessageMax
    self.pingsPerMinuteMax = pingsPerMinuteMax
  }
}
