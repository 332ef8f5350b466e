import CasebusBroker
import CasebusProtocol
import CasebusSQLite
import CasebusTransport
import CasebusWebSocket
import CasebusWorkspace

/// The limits of `Protocol/registry/limits.json`.
extension ConfigurationTable {
  static let messageLimits: [ConfigurationKey] = [
    limit("messageBytesMax", \.messageBytesMax, 1...1_073_741_824, "bytes", "The longest message that is taken.")
      .flag("--message-bytes-max"),
    .number(
      "limits.frame-bytes-max", \.frameBytesMax, 1...1_207_959_616, "bytes", "The longest WebSocket frame.",
      absence: "an eighth more than limits.message-bytes-max"
    ).limit("frameBytesMax"),
    limit(
      "fragmentsPerMessageMax", \.server.connection.limits.fragmentsPerMessageMax, 1...10_000_000, "frames",
      "Frames of one message."),
    limit("jsonDepthMax", \.server.broker.jsonLimits.depthMax, 2...128, "levels", "Nesting of arrays and objects."),
    limit(
      "jsonKeysMax", \.server.broker.jsonLimits.keysMax, 1...10_000_000, "keys",
      "Object members in one message, at all levels."),
    limit(
      "malformedMessagesMax", \.server.broker.malformedMessagesMax, 1...10_000_000, "messages",
      "Malformed messages of one session before it is closed."),
    limit(
      "answerBytesMax", \.server.broker.answerBytesMax, 1...1_073_741_824, "bytes",
      "The data of one answer; more than limits.workspace-bytes-max."
    ).flag("--answer-bytes-max"),
  ]

  static let sessionLimits: [ConfigurationKey] = [
    limit("sessionsMax", \.server.broker.sessionsMax, 1...10_000_000, "sessions", "Open sessions.")
      .flag("--sessions-max"),
    limit(
      "subscriptionsPerSessionMax", \.server.broker.subscriptionsPerSessionMax, 1...10_000_000, "subscriptions",
      "Subscriptions of one session."),
    limit(
      "eventNamesPerSubscriptionMax", \.server.broker.eventNamesPerSubscriptionMax, 1...10_000_000, "names",
      "Different event names in one subscribe."),
    limit(
      "commandsInFlightMax", \.server.broker.commandsInFlightMax, 1...10_000_000, "messages",
      "Unanswered messages of one session before it is not read."),
    limit(
      "messageBytesInFlightMax", \.server.broker.messageBytesInFlightMax, 1...1_099_511_627_776, "bytes",
      "Bytes of the unanswered messages of one session before it is not read."),
    limit(
      "outcomeBytesInFlightMax", \.server.broker.outcomeBytesInFlightMax, 1...1_099_511_627_776, "bytes",
      "Bytes of unsent long answers and events caused by one session before its next message waits."),
    limit(
      "outboundQueueBytesMax", \.server.connection.outboundQueueBytesMax, 1...1_099_511_627_776, "bytes",
      "Bytes queued for one session before it is closed as too slow."
    ).flag("--outbound-queue-bytes-max"),
    limit(
      "outboundLongBytesMax", \.server.connection.outboundLongBytesMax, 1...1_099_511_627_776, "bytes",
      "Bytes of messages over 65536 bytes each, queued for one session."),
    limit(
      "outboundStallSeconds", \.server.connection.outboundStallSeconds, 1...86_400, "seconds",
      "How long a session with a full queue may take nothing."),
    limit(
      "outboundTotalBytesMax", \.server.connection.outboundTotalBytesMax, 1...1_099_511_627_776, "bytes",
      "Bytes queued for all sessions; above it the slowest are cut off."
    ).flag("--outbound-total-bytes-max"),
    limit(
      "uncommittedBytesMax", \.server.broker.uncommittedBytesMax, 1...1_099_511_627_776, "bytes",
      "Bytes that wait for the journal, per event loop, before messages wait."),
    limit(
      "undeliveredBytesMax", \.server.broker.undeliveredBytesMax, 1...1_099_511_627_776, "bytes",
      "Bytes in the inbox of one event loop before messages wait."),
    limit(
      "fanoutBytesMax", \.server.broker.fanoutBytesMax, 1...1_099_511_627_776, "bytes",
      "Bytes of events in the batches of one event loop before the rest waits for the next write."),
  ]

  static let workspaceLimits: [ConfigurationKey] = [
    limit(
      "workspacesMax", \.server.broker.workspacesMax, 1...10_000_000, "workspaces", "Workspaces in memory."),
    limit(
      "interactionsPerWorkspaceMax", \.server.broker.workspaceRules.interactionsPerWorkspaceMax, 1...10_000_000,
      "interactions", "Interactions of one workspace."),
    limit(
      "blocksPerInteractionMax", \.server.broker.workspaceRules.blocksPerInteractionMax, 1...10_000_000, "blocks",
      "Blocks on one interaction."),
    limit(
      "userDataBytesMax", \.server.broker.workspaceRules.userDataBytesMax, 1...536_870_912, "bytes",
      "User data of one interaction, as JSON."),
    limit(
      "interactionBytesMax", \.server.broker.workspaceRules.interactionBytesMax, 1...536_870_912, "bytes",
      "One interaction, as JSON."
    ).flag("--interaction-bytes-max"),
    limit(
      "workspaceBytesMax", \.server.broker.workspaceRules.workspaceBytesMax, 1...536_870_912, "bytes",
      "All interactions and blocks of a workspace, as JSON."
    ).flag("--workspace-bytes-max"),
    limit(
      "warningMessageBytesMax", \.server.broker.workspaceRules.warningMessageBytesMax, 1...65_536, "bytes",
      "The warningMessage of blockMarkdone."),
    limit(
      "messageIdWindowSeconds", \.messageIDWindowSeconds, 1...86_400, "seconds",
      "How long the answer to a messageId is remembered."
    ).flag("--message-id-window"),
    limit(
      "messageIdsPerWorkspaceMax", \.messageIDsPerWorkspaceMax, 1...10_000_000, "messages",
      "Remembered answers of one workspace."),
    limit(
      "messageIdBytesPerWorkspaceMax", \.server.broker.messageIDBytesPerWorkspaceMax, 1...1_099_511_627_776, "bytes",
      "Memory of the remembered answers of one workspace."),
    limit(
      "replayTailBytesMax", \.server.broker.replayTailBytesMax, 1...1_099_511_627_776, "bytes",
      "Bytes of the newest events of a workspace that are kept in memory for sessions that catch up."),
  ]

  static let consumerLimits: [ConfigurationKey] = [
    limit("consumersMax", \.server.broker.consumersMax, 1...10_000_000, "consumers", "Durable consumers.")
      .flag("--consumers-max"),
    limit(
      "ackTimeoutSeconds", \.server.broker.ackTimeoutSeconds, 1...86_400, "seconds",
      "How long a session of a durable consumer may take to acknowledge an event."
    ).flag("--ack-timeout"),
    limit(
      "maxUnacknowledged", \.server.broker.maxUnacknowledged, 1...10_000_000, "events",
      "Unacknowledged events of a workspace that a durable consumer may have."
    ).flag("--max-unacknowledged"),
    limit(
      "spanningUnacknowledgedMax", \.server.broker.spanningUnacknowledgedMax, 1...10_000_000, "events",
      "Unacknowledged events that a consumer of all workspaces may have, per event loop."
    ).flag("--spanning-unacknowledged-max"),
    limit(
      "maxDeliveries", \.server.broker.maxDeliveries, 1...10_000_000, "deliveries",
      "Failed deliveries before an event is parked."
    ).flag("--max-deliveries"),
    limit(
      "redeliveredEventsMax", \.server.broker.redeliveredEventsMax, 1...10_000_000, "events",
      "Parked events that one consumer.redeliver delivers again, the oldest first."
    ).flag("--redelivered-events-max"),
  ]

  static let connectionLimits: [ConfigurationKey] = [
    limit(
      "connectionsMax", \.server.connection.connectionsMax, 1...10_000_000, "connections",
      "Open connections of any kind; never more than fit into the process's files."
    ).flag("--connections-max").reloadable,
    .number(
      "limits.connections-per-address-max", \.server.connection.connectionsPerAddressMax, 1...10_000_000,
      "connections", "Open connections from one address.",
      absence: "half of limits.connections-max, from this machine all of them"
    ).limit("connectionsPerAddressMax").flag("--connections-per-address-max").reloadable,
    limit(
      "handshakeTimeoutSeconds", \.server.connection.handshakeTimeoutSeconds, 1...86_400, "seconds",
      "How long an opening handshake or another HTTP request may take."
    ).flag("--handshake-timeout"),
    limit(
      "httpIdleSeconds", \.server.connection.httpIdleSeconds, 1...86_400, "seconds",
      "How long a connection stays open between two plain HTTP requests."
    ).flag("--http-idle"),
    limit(
      "httpRequestsPerConnectionMax", \.server.connection.httpRequestsPerConnectionMax, 1...10_000_000, "requests",
      "Plain HTTP requests of one connection."
    ).flag("--http-requests-max"),
    limit(
      "headerBytesMax", \.server.connection.headerBytesMax, 1024...1_048_576, "bytes",
      "All header fields of one HTTP request."),
    limit(
      "headerFieldsMax", \.server.connection.headerFieldsMax, 10...10_000, "fields",
      "Header fields of one HTTP request."),
    limit(
      "pingsPerMinuteMax", \.server.connection.limits.pingsPerMinuteMax, 1...10_000_000, "pings",
      "Pings of one client in a minute."),
    limit(
      "pingIntervalSeconds", \.server.connection.timing.pingIntervalSeconds, 1...86_400, "seconds",
      "A client is pinged after this silence."
    ).flag("--ping-interval"),
    limit(
      "pongTimeoutSeconds", \.server.connection.timing.pongTimeoutSeconds, 1...86_400, "seconds",
      "How long a pinged client may stay silent."
    ).flag("--pong-timeout"),
    limit(
      "closeTimeoutSeconds", \.server.connection.timing.closeTimeoutSeconds, 1...86_400, "seconds",
      "How long a closing handshake may take."),
    limit("drainSeconds", \.server.drainSeconds, 1...86_400, "seconds", "How long a stop may take.")
      .flag("--drain-seconds"),
    limit(
      "tlsHandshakeTimeoutSeconds", \.tls.listener.handshakeTimeoutSeconds, 1...86_400, "seconds",
      "How long a TLS handshake may take."
    ).flag("--tls-handshake-timeout"),
    limit(
      "tlsHandshakesMax", \.tls.listener.handshakesMax, 1...10_000_000, "handshakes",
      "TLS handshakes in progress on one event loop."
    ).flag("--tls-handshakes-max"),
    limit(
      "tlsTicketSeconds", \.tls.listener.ticketSeconds, 1...604_800, "seconds",
      "How long a TLS session can be resumed."),
  ]

  static let journalLimits: [ConfigurationKey] = [
    // A hundred years.
    limit(
      "retentionSeconds", \.journal.retentionSeconds, 1...3_153_600_000, "seconds", "How long events are kept."
    ).flag("--retention-seconds"),
    limit(
      "retentionEventsPerWorkspaceMax", \.journal.retentionEventsPerWorkspaceMax, 1...1_099_511_627_775, "events",
      "Events that are kept of one workspace."
    ).flag("--retention-events-per-workspace-max"),
    limit(
      "retentionBytesPerWorkspaceMax", \.journal.retentionBytesPerWorkspaceMax, 1...1_099_511_627_776, "bytes",
      "Bytes of events that are kept of one workspace."
    ).flag("--retention-bytes-per-workspace-max"),
    limit(
      "consumerBacklogEventsMax", \.journal.consumerBacklogEventsMax, 1...1_099_511_627_775, "events",
      "Events of a workspace that are kept for a durable consumer that is behind."
    ).flag("--consumer-backlog-events-max"),
    limit(
      "consumerBacklogBytesMax", \.journal.consumerBacklogBytesMax, 1...1_099_511_627_776, "bytes",
      "Bytes of events of a workspace that are kept for a durable consumer that is behind."
    ).flag("--consumer-backlog-bytes-max"),
    limit(
      "pruneIntervalSeconds", \.journal.pruneIntervalSeconds, 1...86_400, "seconds",
      "How often the journal deletes events and answers above their limits."),
    limit(
      "journalProbeMilliseconds", \.journal.probeMilliseconds, 1...86_400_000, "milliseconds",
      "How often a failed journal is tested."),
    limit(
      "journalMemoryEventsMax", \.memoryJournalEventsMax, 1...10_000_000, "events",
      "Events of one workspace in the memory journal."),
    limit(
      "journalMemoryBytesMax", \.memoryJournalBytesMax, 1...1_099_511_627_776, "bytes",
      "Memory of the events of one workspace in the memory journal."),
  ]

  /// The key of a limit follows from its name: `pingIntervalSeconds` is `limits.ping-interval-seconds`.
  private static func limit<Number: FixedWidthInteger & Sendable>(
    _ name: String, _ path: any ConfigurationKey.Path<Number>, _ range: ClosedRange<Number>, _ unit: String,
    _ meaning: String
  ) -> ConfigurationKey {
    let kebab = name.map { $0.isUppercase ? "-\($0.lowercased())" : "\($0)" }.joined()
    return .number("limits.\(kebab)", path, range, unit, meaning).limit(name)
  }
}
