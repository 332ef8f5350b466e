package import CasebusProtocol
package import CasebusWorkspace

/// How a broker behaves. The defaults are those of `Protocol/registry/limits.json`.
package struct BrokerConfiguration: Hashable, Sendable {
  package var workspaceRules = WorkspaceRules()
  package var jsonLimits = JSONLimits()
  /// How many messages of one session may be malformed before it is closed.
  package var malformedMessagesMax = 10
  /// How many messages of one session may wait for their answers before no more are read from it.
  package var commandsInFlightMax = 256
  /// How many bytes such messages of one session may have before no more are read from it.
  package var messageBytesInFlightMax = 1 << 20
  /// How many bytes of answers and events may be decided for one session and not sent before its next message waits.
  package var outcomeBytesInFlightMax = 1 << 20
  /// How many bytes of answers and events may wait for the journal, on one event loop, before messages wait.
  package var uncommittedBytesMax = 64 << 20
  /// How many bytes of answers and events may wait for their sessions, on one event loop, before messages wait.
  package var undeliveredBytesMax = 64 << 20
  /// How many bytes of events are put together for the sessions of one event loop before they are sent.
  package var fanoutBytesMax = 16 << 20
  package var subscriptionsPerSessionMax = 64
  package var eventNamesPerSubscriptionMax = 64
  /// How hard messages are deflated for sessions that agreed on it: 1 (fast) to 9 (small).
  package var deflateLevel = 6
  /// Shorter messages are not deflated.
  package var deflateThresholdBytes = 128
  /// How long the data of one answer may be, bytes.
  package var answerBytesMax = 4 << 20
  /// The least time between two writes to a monitor, milliseconds; 0 for none.
  package var monitorWriteIntervalMilliseconds = 1
  package var sessionsMax = 20_000
  package var workspacesMax = 100_000
  /// How long a workspace stays in memory that nobody is connected to, seconds.
  package var workspaceIdleSeconds = 60
  /// After so many events of a workspace its state is kept as a whole, so that it is read again quickly.
  package var snapshotIntervalEvents: UInt64 = 1_000
  /// How long a message that is sent again is known by its messageId, seconds.
  package var messageIDWindowSeconds = 120
  package var messageIDsPerWorkspaceMax = 10_000
  /// What the answers of a workspace that are remembered may hold in memory, bytes.
  package var messageIDBytesPerWorkspaceMax = 4 << 20
  /// How much of a workspace's newest events is kept in memory for sessions that catch up, bytes.
  package var replayTailBytesMax = 1 << 20
  /// How long a session of a durable consumer may have an event without acknowledging it, seconds.
  package var ackTimeoutSeconds = 30
  /// How many events of a workspace the sessions of a durable consumer may have.
  package var maxUnacknowledged = 256
  /// How often an event is given to a durable consumer before it is parked.
  package var maxDeliveries = 5
  package var consumersMax = 1_000
  /// How many parked events one request brings back.
  package var redeliveredEventsMax = 1_000
  /// How many events the sessions of a durable consumer of all workspaces may have, from those of one event loop.
  package var spanningUnacknowledgedMax = 1_024

  package init() {}

  /// What is wrong with the limits of the state, in words; nil if they fit together. An answer must have room for all
  /// interactions of a workspace: who lost events has no other way on than to ask for them (Protocol §9.2).
  package var fault: String? {
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
