/// What a client says to the broker (Protocol §3.1).
public struct ClientMessage: Hashable, Sendable {
  public enum Content: Hashable, Sendable {
    case subscribe(SubscribeOptions)
    case unsubscribe(SubscriptionID)
    /// Says that something happened, or sends a message to a channel.
    case publish(EventName, data: JSONValue)
    /// Asks for something.
    case request(Request)
    /// A durable consumer is done with everything that this session was given up to an offset. The workspace is named
    /// on the connection of a monitor only.
    case acknowledge(WorkspaceID?, offset: UInt64)
  }

  public var content: Content
  public var referenceID: ReferenceID?
  /// Chosen by the sender, so that the same message sent again is known to be the same (Protocol §5.5); 1–128 bytes.
  public var messageID: Identifier?
  /// The workspace that a request or a publish is for (Protocol §2.3). On the connection of a workspace it need not be
  /// named.
  public var workspaceID: WorkspaceID?

  public init(
    _ content: Content, referenceID: ReferenceID? = nil, messageID: Identifier? = nil, workspaceID: WorkspaceID? = nil
  ) {
    self.content = content
    self.referenceID = referenceID
    self.messageID = messageID
    self.workspaceID = workspaceID
  }
}

/// What a subscribe asks for (Protocol §4.1, §9).
public struct SubscribeOptions: Hashable, Sendable {
  /// The wanted events; a name given twice counts once.
  public var names: [EventName]
  /// Whether answers and events are to tell their positions.
  public var wantsPositions: Bool
  /// From where on missed events are to be replayed.
  public var since: ResumePoint?
  /// The durable consumer that the session is to be part of.
  public var durable: ConsumerName?

  public init(
    _ names: [EventName], wantsPositions: Bool = false, since: ResumePoint? = nil, durable: ConsumerName? = nil
  ) {
    self.names = names
    self.wantsPositions = wantsPositions || since != nil || durable != nil
    self.since = since
    self.durable = durable
  }
}

/// After which event a replay begins (Protocol §9.2).
public enum ResumePoint: Hashable, Sendable {
  /// With the first event there ever was.
  case beginning
  case after(StreamPosition)
}

/// The place of an event in its workspace's stream (Protocol §9.1).
public struct StreamPosition: Hashable, Sendable {
  /// 1 for the first event; 0 is before all of them.
  public var offset: UInt64
  /// Names the numbering: offsets of two epochs have nothing to do with each other. 1–64 bytes.
  public var epoch: String

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

/// The version of the Service Client API that is spoken.
public let protocolVersion = 2
