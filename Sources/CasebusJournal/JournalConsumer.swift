package import CasebusProtocol

/// A durable consumer: somebody who gets each event at least once, and whose position the broker keeps (Protocol §9.3).
package struct JournalConsumer: Hashable, Sendable {
  package var key: Key
  /// The event names that it gets.
  package var events: [String]
  /// When it was made, milliseconds since 1970.
  package var time: Int64

  package init(key: Key, events: [String], time: Int64) {
    self.key = key
    self.events = events
    self.time = time
  }

  /// Its name, in one workspace or over all of them.
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
    /// With the first record that is kept.
    case beginning
    /// With the records that are appended from now on, in all workspaces.
    case now
    /// With the record after this one, in its one workspace.
    case after(JournalOffset)
  }

  package enum Change: Hashable, Sendable {
    /// Makes a consumer; one that exists already is left as it is.
    case make(JournalConsumer, Start)
    case delete(Key)
    /// Parked records are to be given again, until they are unparked or parked anew. One that is not parked is no matter.
    case redeliver(Key, [WorkspaceID: [JournalOffset]])
  }
}

/// How far a durable consumer is in one workspace.
package struct JournalPosition: Hashable, Sendable {
  package var consumer: JournalConsumer.Key
  /// Every record up to this one is done with.
  package var offset: JournalOffset
  /// Records that were given up, newly; they count as done with.
  package var parked: [ParkedRecord]
  /// Records that were parked before and are done with.
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

/// A record that a consumer never acknowledged, however often it was given it.
package struct ParkedRecord: Hashable, Sendable {
  package var offset: JournalOffset
  package var deliveries: Int
  /// When it was given up, milliseconds since 1970.
  package var time: Int64
  /// nil if a broker gave it up that did not tell why.
  package var reason: Reason?
  /// Whether it is to be given again.
  package var comesAgain: Bool

  /// What happened after the last delivery.
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

/// What a consumer has still to do in one workspace.
package struct JournalBacklog: Hashable, Sendable {
  package var workspace: WorkspaceID
  /// Every record up to this one is done with; at least `first - 1`, because what is no longer kept counts as done with.
  package var position: JournalOffset
  /// The newest record.
  package var last: JournalOffset
  /// The oldest record that is kept; `last + 1` if none is.
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
