/// What the broker says to a client (Protocol §3.4).
public enum ServerMessage: Hashable, Sendable {
  /// The result of what was asked; of a workspace that the message named, on the connection of a monitor.
  case response(ReferenceID?, data: JSONValue, workspaceID: WorkspaceID? = nil, position: StreamPosition? = nil)
  /// The answer to a subscribe.
  case subscribed(ReferenceID?, SubscribeResult)
  /// What was asked was not done.
  case failure(
    ReferenceID?, code: String, message: String, workspaceID: WorkspaceID? = nil, position: StreamPosition? = nil)
  /// Something that happened.
  case event(name: String, data: JSONValue, EventLabels = EventLabels())
}

/// What an event tells of itself beyond its name and data.
public struct EventLabels: Hashable, Sendable {
  /// For monitors only, which see several workspaces.
  public var workspaceID: WorkspaceID?
  /// For those who asked for positions; messages to channels have none.
  public var position: StreamPosition?
  /// How often a durable consumer is given the event now, 2 or more; nil for the first time.
  public var delivery: Int?

  public init(workspaceID: WorkspaceID? = nil, position: StreamPosition? = nil, delivery: Int? = nil) {
    self.workspaceID = workspaceID
    self.position = position
    self.delivery = delivery
  }
}

/// What a subscribe led to.
public struct SubscribeResult: Hashable, Sendable {
  public var subscriptionID: SubscriptionID
  /// The durable consumer that the session is part of now.
  public var durable: ConsumerName?
  /// Whether everything after the given position follows; nil where none was given.
  public var recovered: Bool?
  /// Where the workspace stands, for those who asked for positions.
  public var position: StreamPosition?

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
