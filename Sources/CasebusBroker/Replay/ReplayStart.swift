import CasebusJournal
import CasebusProtocol

/// How a subscription begins (Protocol §9.2).
struct SubscriptionStart: Sendable {
  /// Where the workspace stands; live events follow this one. nil on the connection of a monitor.
  var position: StreamPosition?
  var replay = ReplayStart.notRequested
}

/// What a workspace makes of the `since` of a subscribe (Protocol §9.2).
enum ReplayStart: Equatable, Sendable {
  /// The client gave no `since`.
  case notRequested
  /// The client has missed no event.
  case nothingMissed
  /// The events after this offset are replayed.
  case after(JournalOffset)
  /// The workspace does not have the position that the client gave.
  case impossible

  /// - Parameter current: the position of the newest event.
  init(since: ResumePoint?, current: StreamPosition) {
    switch since {
    case nil: self = .notRequested
    case .beginning: self = current.offset == 0 ? .nothingMissed : .after(0)
    case .after(let position):
      if !position.epoch.hasSameBytes(as: current.epoch) || position.offset > current.offset {
        self = .impossible
      } else {
        self = position.offset == current.offset ? .nothingMissed : .after(position.offset)
      }
    }
  }

  /// What the client is told as `recovered`; nil if it is not told.
  var isRecovered: Bool? {
    switch self {
    case .notRequested: nil
    case .nothingMissed, .after: true
    case .impossible: false
    }
  }
}

/// How a replay continues that has read the journal up to its target.
enum ReplayEnd: Sendable {
  /// These are the newest events; live events follow.
  case events([EncodedEvent])
  /// There are more new events than are kept in memory: the journal is to be read up to this offset.
  case further(through: JournalOffset)
}
