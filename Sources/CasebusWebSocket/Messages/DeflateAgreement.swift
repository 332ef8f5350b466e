/// The parameters of permessage-deflate that both ends agreed on (RFC 7692 §7.1).
package struct DeflateAgreement: Hashable, Sendable {
  /// One direction of the connection.
  package struct Direction: Hashable, Sendable {
    /// Base-two logarithm of the LZ77 window the sender may use, 8…15.
    package var windowBits: Int
    /// Whether a message may refer to earlier ones.
    package var keepsContext: Bool

    package init(windowBits: Int = 15, keepsContext: Bool = true) {
      self.windowBits = windowBits
      self.keepsContext = keepsContext
    }
  }

  /// What the server sends.
  package var server: Direction
  /// What the client sends.
  package var client: Direction

  package init(server: Direction = Direction(), client: Direction = Direction()) {
    self.server = server
    self.client = client
  }

  /// What a connection with this role receives.
  package func inbound(for role: WebSocketRole) -> Direction {
    role.peerMasks ? client : server
  }

  /// What a connection with this role sends.
  package func outbound(for role: WebSocketRole) -> Direction {
    role.peerMasks ? server : client
  }
}
