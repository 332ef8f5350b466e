/// What a client says to the broker (Protocol §3.1).
public struct ClientMessage: Hashable, Sendable {
  public enum Content: Hashable, Sendable {
    /// Wants events; a name given twice counts once.
    case subscribe([EventName])
    case unsubscribe(SubscriptionID)
    /// Says that something happened, or sends a message to a channel.
    case publish(EventName, data: JSONValue)
    /// Asks for something; the parameters are positional.
    case request(name: String, parameters: [JSONValue])
  }

  public var content: Content
  public var referenceID: ReferenceID?

  public init(_ content: Content, referenceID: ReferenceID? = nil) {
    self.content = content
    self.referenceID = referenceID
  }
}

/// The version of the Service Client API that is spoken.
public let protocolVersion = 2
