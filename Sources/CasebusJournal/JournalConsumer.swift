package import CasebusProtocol

/// A durable consumer, which gets each event at least once and whose position the broker keeps (Protocol §9.3).
package struct JournalConsumer: Hashable, Sendable {
  package var key: Key
  /// The names of the wanted events.
  package var events: [String]
  /// When it was created, milliseconds since 1970.
  package var time: Int64

  package init(key: Key, events: [String], time: Int64) {
    self.key = key
    self.events = events
    self.time = time
  }

  /// The name of a consumer, in one workspace or for all of them.
  package struct Key: Hashable, Sendable {
    package var name: String
    /// nil for a consumer of all workspaces.
    package var workspace: WorkspaceID?

    package init(name: String, workspace: WorkspaceID?) {
      self.name = name
      self.workspace = workspace
    }
  }

  /// Where a new consumer begins.
  package enum Start: Hashable, Sendable {
    /// With the oldest kept record.
    case beginning
    /// With the records that are appended from now on, in all workspaces.
    case now
    /// With the record after this one, in its one workspace.
    case after(JournalOffset)
  }

  package enum Change: Hashable, Sendable {
    /// Creates a consumer; no effect if it exists.
    case make(JournalConsumer, Start)
    case delete(Key)
    /// Marks parked records for redelivery, until they are unparked or parked again. Records that are not parked are
    /// ignored.
    case redeliver(Key, [WorkspaceID: [JournalOffset]])
  }
}

/// The progress of a durable consumer in one workspace.
package struct JournalPosition: Hashable, Sendable {
  package var consumer: JournalConsumer.Key
  /// The ack floor: every record up to this one is acknowledged or parked.
  package var offset: JournalOffset
  /// Records parked now.
  package var parked: [ParkedRecord]
  /// Parked records that were acknowledged now.
  package var unparked: [JournalOffset]

  package init(
    consumer: JournalConsumer.Key, offset: JournalOffset, parked: [ParkedRecord] = [], unparked: [JournalOffset] = []
  ) {
    self.consumer = consumer
    self.offset = offset
    self.parked = parked
    self.unparked = unparked
  }
}

/// A record that is no longer delivered, because all its deliveries failed.
package struct ParkedRecord: Hashable, Sendable {
  package var offset: JournalOffset
  package var deliveries: Int
  /// When it was parked, milliseconds since 1970.
  package var time: Int64
  /// nil if an older broker parked it without a reason.
  package var reason: Reason?
  /// Whether it is marked for redelivery.
  package var comesAgain: Bool

  /// How the last delivery failed.
  package enum Reason: String, Hashable, Sendable {
    /// It was not acknowledged in time.
    case ackTimeout = "ack_timeout"
    /// The session that worked on it ended.
    case sessionEnded = "session_ended"
  }

  package init(offset: JournalOffset, deliveries: Int, time: Int64, reason: Reason? = nil, comesAgain: Bool = false) {
    self.offset = offset
    self.deliveries = deliveries
    self.time = time
    self.reason = reason
    self.comesAgain = comesAgain
  }
}

/// The backlog of a consumer in one workspace.
package struct JournalBacklog: Hashable, Sendable {
  package var workspace: WorkspaceID
  /// The ack floor; at least `first - 1`, because records that are no longer kept count as acknowledged.
  package var position: JournalOffset
  /// The newest record.
  package var last: JournalOffset
  /// The offset of the oldest kept record; `last + 1` without records.
  package var first: JournalOffset
  /// The oldest first.
  package var parked: [ParkedRecord]

  package init(
    workspace: WorkspaceID, position: JournalOffset, last: JournalOffset, first: JournalOffset,
    parked: [ParkedRecord] = []
  ) {
    self.workspace = workspace
    self.position = position
    self.last = last
    self.first = first
    self.parked = parked
  }
}
