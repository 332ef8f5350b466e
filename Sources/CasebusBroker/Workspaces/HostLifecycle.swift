import CasebusJournal

/// Whether a workspace is in memory: being read from the journal, in use, or about to leave.
struct HostLifecycle {
  enum State: Equatable {
    /// The journal is asked for the workspace; messages wait.
    case loading
    case ready(Use)
    /// Somebody else appended to the workspace first: their events are read; messages wait.
    case catchingUp
    /// The journal could not be read. Until it can, everything is refused.
    case failed(JournalError)
  }

  enum Use: Equatable {
    case needed
    /// Nobody needs it; it leaves when a timer fires.
    case idle
    /// It leaves when its last snapshot is durable.
    case leaving
  }

  private(set) var state = State.loading

  /// Whether the workspace can decide.
  var isReady: Bool { if case .ready = state { true } else { false } }

  /// Whether messages wait until it is known how the workspace stands.
  var isWaiting: Bool { state == .loading || state == .catchingUp }

  /// Why the workspace refuses everything; nil if it does not.
  var failure: JournalError? { if case .failed(let error) = state { error } else { nil } }

  // MARK: - The journal

  /// The state was restored, or what others appended was taken over.
  mutating func journalWasRead() {
    precondition(isWaiting, "nothing was asked of the journal")
    state = .ready(.needed)
  }

  mutating func journalFailed(_ error: JournalError) {
    precondition(isWaiting, "nothing was asked of the journal")
    state = .failed(error)
  }

  /// The pause after a failure is over.
  /// - Returns: whether the journal is to be asked again.
  mutating func retryIsDue(isNeeded: Bool) -> Bool {
    guard case .failed = state, isNeeded else { return false }
    state = .loading
    return true
  }

  /// The journal refused a commit because somebody else appended first.
  /// - Returns: whether their events are to be read.
  mutating func conflicted() -> Bool {
    guard case .ready = state else { return false }
    state = .catchingUp
    return true
  }

  /// What others appended does not continue what was known here: the whole state is to be read.
  mutating func lostTrack() {
    precondition(state == .catchingUp, "the events of others were not asked for")
    state = .loading
  }

  // MARK: - Leaving memory

  /// A session or a monitor needs the workspace.
  /// - Returns: whether the timer is to be cancelled.
  mutating func becameNeeded() -> Bool {
    guard case .ready(let use) = state else { return false }
    state = .ready(.needed)
    return use == .idle
  }

  enum OnIdle: Equatable {
    case remove
    /// The timer for leaving is to be started.
    case startTimer
    case none
  }

  /// Nothing is to be done for the workspace.
  /// - Parameters:
  ///   - isEmpty: nothing would be lost with it.
  ///   - isKept: the journal can bring it back.
  mutating func becameIdle(isEmpty: Bool, isKept: Bool) -> OnIdle {
    switch state {
    case .loading, .catchingUp: return .none
    case .failed, .ready(.leaving): return .remove
    case .ready(.idle): return isEmpty ? .remove : .none
    case .ready(.needed):
      if isEmpty { return .remove }
      guard isKept else { return .none }
      state = .ready(.idle)
      return .startTimer
    }
  }

  enum OnTimer: Equatable {
    case remove
    /// A snapshot is to be committed, so that coming back is quick.
    case writeSnapshot
    case none
  }

  mutating func idleTimerFired(isIdle: Bool, hasSnapshot: Bool) -> OnTimer {
    guard state == .ready(.idle) else { return .none }
    guard isIdle else {
      state = .ready(.needed)
      return .none
    }
    if hasSnapshot { return .remove }
    state = .ready(.leaving)
    return .writeSnapshot
  }

  /// The journal did not take a commit, perhaps the one with the last snapshot.
  mutating func commitFailed() {
    if state == .ready(.leaving) { state = .ready(.needed) }
  }
}
