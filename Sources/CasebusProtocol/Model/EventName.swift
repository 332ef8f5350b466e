/// The name of events that a client can subscribe to (Protocol §4.1).
public enum EventName: Hashable, Sendable, CustomStringConvertible {
  case agent
  case interaction
  case media
  case outbound
  case system
  case markdone
  /// Messages between the clients of one workspace; the channel is 1–128 bytes without control characters.
  case messenger(channel: Identifier)

  /// The names that are not channels, in alphabetical order.
  public static let fixed: [EventName] = [.agent, .interaction, .markdone, .media, .outbound, .system]

  private static let messengerPrefix = "messenger:"

  /// - Returns: nil if the text is not an event name of the protocol.
  public init?(_ text: String) {
    switch Identifier(text) {
    case "agent": self = .agent
    case "interaction": self = .interaction
    case "media": self = .media
    case "outbound": self = .outbound
    case "system": self = .system
    case "markdone": self = .markdone
    case _:
      guard text.hasBytePrefix(Self.messengerPrefix) else { return nil }
      self.init(channel: String(text.utf8.dropFirst(Self.messengerPrefix.utf8.count)) ?? "")
    }
  }

  /// - Returns: nil if the channel is empty, longer than 128 bytes or has control characters.
  public init?(channel: String) {
    guard (1...128).contains(channel.utf8.count), channel.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
      return nil
    }
    self = .messenger(channel: Identifier(channel))
  }

  public var description: String {
    switch self {
    case .agent: "agent"
    case .interaction: "interaction"
    case .media: "media"
    case .outbound: "outbound"
    case .system: "system"
    case .markdone: "markdone"
    case .messenger(let channel): Self.messengerPrefix + channel.text
    }
  }
}
