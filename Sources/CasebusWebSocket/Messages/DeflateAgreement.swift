/// The parameters of permessage-deflate that both ends agreed on (RFC 7692 §7.1).
public struct DeflateAgreement: Hashable, Sendable {
  /// One direction of the connection.
  public struct Direction: Hashable, Sendable {
    /// Base-two logarithm of the LZ77 window the sender may use, 8…15.
    public var windowBits: Int
    /// Whether a message may refer to earlier ones.
    public var keepsContext: Bool

    public init(windowBits: Int = 15, keepsContext: Bool = true) {
      self.windowBits = windowBits
      self.keepsContext = keepsContext
    }
  }

  /// What the server sends.
  public var server: Direction
  /// What the client sends.
  public var client: Direction

  public init(server: Direction = Direction(), client: Direction = Direction()) {
    self.server = server
    self.client = client
  }

  /// What a connection with this role receives.
  public func inbound(for role: WebSocketRole) -> Direction {
    role.peerMasks ? client : server
  }

  /// What a connection with this role sends.
  public func outbound(for role: WebSocketRole) -> Direction {
    role.peerMasks ? server : client
  }
}
