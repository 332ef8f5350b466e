/// What the broker says to a client (Protocol §3.4).
public enum ServerMessage: Hashable, Sendable {
  /// The result of a command. The workspace is nil unless a monitor's message named it (Protocol §2.3).
  case response(ReferenceID?, data: JSONValue, workspaceID: WorkspaceID? = nil, position: StreamPosition? = nil)
  /// The answer to a subscribe.
  case subscribed(ReferenceID?, SubscribeResult)
  /// The command failed; the code is one of ``ErrorCode``, or one of a newer broker.
  case failure(
    ReferenceID?, code: String, message: String, workspaceID: WorkspaceID? = nil, position: StreamPosition? = nil)
  /// An event.
  case event(name: String, data: JSONValue, EventLabels = EventLabels())
}

/// The further members of an event beside its name and data.
public struct EventLabels: Hashable, Sendable {
  /// The workspace; nil except for monitors.
  public var workspaceID: WorkspaceID?
  /// The position; nil unless the session asked for positions, and for messages to channels.
  public var position: StreamPosition?
  /// The number of this delivery to a durable consumer, 2 or more; nil for the first one.
  public var delivery: Int?

  /// Nil omits the member.
  public init(workspaceID: WorkspaceID? = nil, position: StreamPosition? = nil, delivery: Int? = nil) {
    self.workspaceID = workspaceID
    self.position = position
    self.delivery = delivery
  }
}

/// The members of the answer to a subscribe (Protocol §3.4).
public struct SubscribeResult: Hashable, Sendable {
  /// The new subscription.
  public var subscriptionID: SubscriptionID
  /// The durable consumer that the session joined; nil without one.
  public var durable: ConsumerName?
  /// Whether all events after the given position follow; nil without `since`.
  public var recovered: Bool?
  /// The newest position of the workspace; nil unless the session asked for positions.
  public var position: StreamPosition?

  /// Nil omits the member.
  public init(
    _ subscriptionID: SubscriptionID, durable: ConsumerName? = nil, recovered: Bool? = nil,
    position: StreamPosition? = nil
  ) {
    self.subscriptionID = subscriptionID
    self.durable = durable
    self.recovered = recovered
    self.position = position
  }
}
