/// What a client says to the broker (Protocol §3.1).
public struct ClientMessage: Hashable, Sendable {
  /// The kind of message, and what belongs to it.
  public enum Content: Hashable, Sendable {
    case subscribe(SubscribeOptions)
    case unsubscribe(SubscriptionID)
    /// Reports an event, or sends a message to a channel.
    case publish(EventName, data: PublishedData)
    /// A request; ``Request/check(on:)`` checks its name and parameters.
    case request(Request)
    /// Acknowledges the event at this offset and those delivered before it (Protocol §9.4). The workspace is nil except on
    /// the connection of a monitor.
    case acknowledge(WorkspaceID?, offset: UInt64)
  }

  /// What the client says.
  public var content: Content
  /// Returned in the answer (Protocol §3.2).
  public var referenceID: ReferenceID?
  /// Chosen by the sender, so that a repeated message has no second effect (Protocol §5.5); 1–128 bytes.
  public var messageID: Identifier?
  /// The workspace that a request or a publish is for (Protocol §2.3). On the connection of a workspace it need not be
  /// named.
  public var workspaceID: WorkspaceID?

  /// A message; nil omits the member.
  public init(
    _ content: Content, referenceID: ReferenceID? = nil, messageID: Identifier? = nil, workspaceID: WorkspaceID? = nil
  ) {
    self.content = content
    self.referenceID = referenceID
    self.messageID = messageID
    self.workspaceID = workspaceID
  }
}

/// The members of a subscribe (Protocol §4.1, §9).
public struct SubscribeOptions: Hashable, Sendable {
  /// The wanted events; a name given twice counts once.
  public var names: [EventName]
  /// Whether answers and events have positions from now on (Protocol §9.1).
  public var wantsPositions: Bool
  /// The position after which a replay begins; nil for live events only.
  public var since: ResumePoint?
  /// The durable consumer that the session joins.
  public var durable: ConsumerName?

  /// See the properties for the parameters.
  public init(
    _ names: [EventName], wantsPositions: Bool = false, since: ResumePoint? = nil, durable: ConsumerName? = nil
  ) {
    self.names = names
    self.wantsPositions = wantsPositions || since != nil || durable != nil
    self.since = since
    self.durable = durable
  }
}

/// The position after which a replay begins (Protocol §9.2).
public enum ResumePoint: Hashable, Sendable {
  /// Before the first event.
  case beginning
  case after(StreamPosition)
}

/// A position: the place of an event in its workspace's stream (Protocol §9.1).
public struct StreamPosition: Hashable, Sendable {
  /// 1 for the first event; 0 is before all of them.
  public var offset: UInt64
  /// The name of the numbering: offsets of different epochs are not comparable. 1–64 bytes.
  public var epoch: String

  /// - Parameters:
  ///   - offset: 0 to 2^63 − 1.
  ///   - epoch: 1–64 bytes.
  public init(offset: UInt64, epoch: String) {
    self.offset = offset
    self.epoch = epoch
  }

  public static func == (left: StreamPosition, right: StreamPosition) -> Bool {
    left.offset == right.offset && left.epoch.hasSameBytes(as: right.epoch)
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(offset)
    epoch.hashBytes(into: &hasher)
  }
}

/// The version of the Service Client API.
public let protocolVersion = 2
