import CasebusJournal

/// How a session is given the events that it missed (Protocol §9.2): they are read from the journal page by page; then
/// the workspace is asked for the newest ones, which it gives in order with its live events.
///
/// A value is one replay. What arrives for a replay that has ended, such as a page that was being read, does nothing.
struct Replay {
  /// How far the journal was read.
  struct Progress: Equatable {
    /// The events up to this offset were sent.
    var cursor: JournalOffset
    /// The events up to this offset are read before the workspace is asked for newer ones.
    var target: JournalOffset
  }

  enum State: Equatable {
    /// Replays of a loop take turns at reading the journal.
    case waitingForTurn(Progress)
    case reading(Progress)
    /// A page was sent; the replay continues when the connection is writable.
    case waitingForRoom(Progress)
    /// The target is reached; the workspace is asked for the events after the cursor.
    case askingForEnd(cursor: JournalOffset)
    /// There is more to read; the journal, which may be failing, is given a pause.
    case pausing(Progress)
    case ended
  }

  private(set) var state: State

  /// A turn is to be requested for it.
  /// - Parameters:
  ///   - offset: the events after this offset are replayed.
  ///   - target: the newest offset of the workspace; greater than `offset`.
  init(after offset: JournalOffset, through target: JournalOffset) {
    precondition(offset < target, "there is nothing to replay after \(offset) up to \(target)")
    state = .waitingForTurn(Progress(cursor: offset, target: target))
  }

  // MARK: - Reading the journal

  enum OnTurn: Equatable {
    case read(after: JournalOffset)
    /// The turn is given to the next replay.
    case passOn
  }

  /// It is this replay's turn.
  mutating func turnCame() -> OnTurn {
    switch state {
    case .waitingForTurn(let progress):
      state = .reading(progress)
      return .read(after: progress.cursor)
    case .ended: return .passOn
    case .reading, .waitingForRoom, .askingForEnd, .pausing: preconditionFailure("no turn was requested")
    }
  }

  enum OnPage: Equatable {
    /// The records up to this offset are sent; then ``becameWritable()`` is called when there is room.
    case send(through: JournalOffset)
    /// The session is closed.
    case fail(reason: String)
    case none
  }

  /// A page of records was read.
  /// - Parameter last: the offset of its last record; nil if it is empty.
  mutating func pageRead(through last: JournalOffset?) -> OnPage {
    switch state {
    case .reading(var progress):
      guard let last else {
        return fail("the journal cannot be read: records after offset \(progress.cursor) are missing")
      }
      progress.cursor = min(last, progress.target)
      state = .waitingForRoom(progress)
      return .send(through: progress.cursor)
    case .ended: return .none
    case .waitingForTurn, .waitingForRoom, .askingForEnd, .pausing: preconditionFailure("no page was being read")
    }
  }

  /// A page could not be read.
  mutating func readFailed(_ error: JournalError) -> OnPage {
    switch state {
    case .reading: return fail("the journal cannot be read: \(error)")
    case .ended: return .none
    case .waitingForTurn, .waitingForRoom, .askingForEnd, .pausing: preconditionFailure("no page was being read")
    }
  }

  enum Next: Equatable {
    case requestTurn
    /// The workspace is asked for the events after this offset.
    case askForEnd(after: JournalOffset)
    case none
  }

  /// The connection has room for another page.
  mutating func becameWritable() -> Next {
    switch state {
    case .waitingForRoom(let progress): return proceed(progress)
    case .ended: return .none
    case .waitingForTurn, .reading, .askingForEnd, .pausing: preconditionFailure("the connection was not waited for")
    }
  }

  private mutating func proceed(_ progress: Progress) -> Next {
    guard progress.cursor < progress.target else {
      state = .askingForEnd(cursor: progress.cursor)
      return .askForEnd(after: progress.cursor)
    }
    state = .waitingForTurn(progress)
    return .requestTurn
  }

  // MARK: - The workspace's answer

  /// The workspace gave all events after the cursor; live events follow.
  /// - Returns: whether the events are to be sent. Then the replay has ended.
  mutating func newestEventsReceived() -> Bool {
    switch state {
    case .askingForEnd:
      state = .ended
      return true
    case .ended: return false
    case .waitingForTurn, .reading, .waitingForRoom, .pausing: preconditionFailure("the workspace was not asked")
    }
  }

  enum OnNewTarget: Equatable {
    /// The journal is opened again at this offset; ``pauseEnded()`` is called after a pause, or ``openFailed(_:)``.
    case openJournal(after: JournalOffset)
    case none
  }

  /// The workspace has more new events than it keeps in memory: they are read from the journal, too.
  mutating func newTargetReceived(_ target: JournalOffset) -> OnNewTarget {
    switch state {
    case .askingForEnd(let cursor):
      state = .pausing(Progress(cursor: cursor, target: target))
      return .openJournal(after: cursor)
    case .ended: return .none
    case .waitingForTurn, .reading, .waitingForRoom, .pausing: preconditionFailure("the workspace was not asked")
    }
  }

  mutating func pauseEnded() -> Next {
    switch state {
    case .pausing(let progress): return proceed(progress)
    case .ended: return .none
    case .waitingForTurn, .reading, .waitingForRoom, .askingForEnd: preconditionFailure("there was no pause")
    }
  }

  /// The journal no longer keeps the events after the cursor.
  mutating func openFailed(_ error: JournalError) -> OnPage {
    switch state {
    case .pausing: return fail("the journal does not have the rest of what was missed: \(error)")
    case .ended: return .none
    case .waitingForTurn, .reading, .waitingForRoom, .askingForEnd: preconditionFailure("the journal was not opened")
    }
  }

  // MARK: - Its end

  /// Its subscription or its session has ended.
  /// - Returns: whether the replay was in progress.
  mutating func cancelled() -> Bool {
    defer { state = .ended }
    return state != .ended
  }

  private mutating func fail(_ reason: String) -> OnPage {
    state = .ended
    return .fail(reason: reason)
  }
}
