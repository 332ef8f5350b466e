/// Which end of the connection this is (RFC 6455 §5.1: only a client masks, and it masks every frame).
package enum WebSocketRole: Sendable {
  case server
  /// - Parameter nextMaskingKey: called once per frame sent; must draw from a strong source of randomness (RFC 6455
  ///   §5.3).
  case client(nextMaskingKey: @Sendable () -> WebSocketMaskingKey)

  var peerMasks: Bool {
    switch self {
    case .server: true
    case .client: false
    }
  }

  func nextMaskingKey() -> WebSocketMaskingKey? {
    switch self {
    case .server: nil
    case .client(let nextMaskingKey): nextMaskingKey()
    }
  }
}
