public import CasebusProtocol
public import CasebusWorkspace

/// How a broker behaves. The defaults are those of `Protocol/registry/limits.json`.
public struct BrokerConfiguration: Hashable, Sendable {
  public var workspaceRules = WorkspaceRules()
  public var jsonLimits = JSONLimits()
  /// How many messages of one session may be malformed before it is closed.
  public var malformedMessagesMax = 10
  /// How many messages of one session may wait for their answers before no more are read from it.
  public var commandsInFlightMax = 256
  /// How many bytes such messages of one session may have before no more are read from it.
  public var messageBytesInFlightMax = 1 << 20
  /// How many bytes of answers and events may be decided for one session and not sent before its next message waits.
  public var outcomeBytesInFlightMax = 1 << 20
  /// How many bytes of answers and events may wait for the journal, on one event loop, before messages wait.
  public var uncommittedBytesMax = 64 << 20
  /// How many bytes of answers and events may wait for their sessions, on one event loop, before messages wait.
  public var undeliveredBytesMax = 64 << 20
  /// How many bytes of events are put together for the sessions of one event loop before they are sent.
  public var fanoutBytesMax = 16 << 20
  public var subscriptionsPerSessionMax = 64
  public var eventNamesPerSubscriptionMax = 64
  /// How hard messages are deflated for sessions that agreed on it: 1 (fast) to 9 (small).
  public var deflateLevel = 6
  /// Shorter messages are not deflated.
  public var deflateThresholdBytes = 128
  /// How long the data of one answer may be, bytes.
  public var answerBytesMax = 4 << 20
  /// The least time between two writes to a monitor, milliseconds; 0 for none.
  public var monitorWriteIntervalMilliseconds = 1
  public var sessionsMax = 20_000
  public var workspacesMax = 100_000
  /// How long a workspace stays in memory that nobody is connected to, seconds.
  public var workspaceIdleSeconds = 60
  /// After so many events of a workspace its state is kept as a whole, so that it is read again quickly.
  public var snapshotIntervalEvents: UInt64 = 1_000
  /// How long a message that is sent again is known by its messageId, seconds.
  public var messageIDWindowSeconds = 120
  public var messageIDsPerWorkspaceMax = 10_000
  /// What the answers of a workspace that are remembered may hold in memory, bytes.
  public var messageIDBytesPerWorkspaceMax = 4 << 20
  /// How much of a workspace's newest events is kept in memory for sessions that catch up, bytes.
  public var replayTailBytesMax = 1 << 20
  /// How long a session of a durable consumer may have an event without acknowledging it, seconds.
  public var ackTimeoutSeconds = 30
  /// How many events of a workspace the sessions of a durable consumer may have.
  public var maxUnacknowledged = 256
  /// How often an event is given to a durable consumer before it is parked.
  public var maxDeliveries = 5
  public var consumersMax = 1_000
  /// How many parked events one request brings back.
  public var redeliveredEventsMax = 1_000
  /// How many events the sessions of a durable consumer of all workspaces may have, from those of one event loop.
  public var spanningUnacknowledgedMax = 1_024

  public init() {}

  /// What is wrong with the limits of the state, in words; nil if they fit together. An answer must have room for all
  /// interactions of a workspace: who lost events has no other way on than to ask for them (Protocol §9.2).
  public var fault: String? {
    let rules = workspaceRules
    if rules.workspaceBytesMax >= answerBytesMax {
      return "answerBytesMax is \(answerBytesMax), expected more than workspaceBytesMax, \(rules.workspaceBytesMax), "
        + "so that interaction.getInteractions always has an answer"
    }
    if rules.interactionBytesMax > rules.workspaceBytesMax {
      return "interactionBytesMax is \(rules.interactionBytesMax), "
        + "expected at most workspaceBytesMax, \(rules.workspaceBytesMax)"
    }
    return nil
  }

  var consumerLimits: ConsumerQueue.Limits {
    ConsumerQueue.Limits(
      maxUnacknowledged: maxUnacknowledged, maxDeliveries: maxDeliveries,
      ackTimeoutMilliseconds: Int64(ackTimeoutSeconds) * 1_000)
  }
}
