import CasebusJournal
import CasebusProtocol
import Testing

@testable import CasebusBroker

/// Every state of a host's life, and what each event makes of it.
@Suite struct HostLifecycleTests {
  private static let error = JournalError.unavailable("the disk is gone")

  private static func lifecycle(_ state: HostLifecycle.State) -> HostLifecycle {
    var lifecycle = HostLifecycle()
    switch state {
    case .loading: break
    case .failed(let error): lifecycle.journalFailed(error)
    case .catchingUp:
      lifecycle.journalWasRead()
      _ = lifecycle.conflicted()
    case .ready(let use):
      lifecycle.journalWasRead()
      if use != .needed { _ = lifecycle.becameIdle(isEmpty: false, isKept: true) }
      if use == .leaving { _ = lifecycle.idleTimerFired(isIdle: true, hasSnapshot: false) }
    }
    return lifecycle
  }

  static let states: [HostLifecycle.State] = [
    .loading, .ready(.needed), .ready(.idle), .ready(.leaving), .catchingUp, .failed(error),
  ]

  @Test(arguments: states) func messagesAreDecidedRefusedOrWait(in state: HostLifecycle.State) {
    let lifecycle = Self.lifecycle(state)
    #expect(lifecycle.state == state)
    switch state {
    case .loading, .catchingUp: #expect(lifecycle.isWaiting && !lifecycle.isReady && lifecycle.failure == nil)
    case .ready: #expect(!lifecycle.isWaiting && lifecycle.isReady && lifecycle.failure == nil)
    case .failed: #expect(!lifecycle.isWaiting && !lifecycle.isReady && lifecycle.failure == Self.error)
    }
  }

  /// What follows from an event in each of ``states``: the next state, and what is to be done.
  struct Row<Action: Equatable & Sendable>: Sendable {
    var next: HostLifecycle.State
    var action: Action
  }

  private func check<Action>(
    _ rows: [Row<Action>], _ event: (inout HostLifecycle) -> Action,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for (state, row) in zip(Self.states, rows) {
      var lifecycle = Self.lifecycle(state)
      let action = event(&lifecycle)
      #expect(action == row.action, "in \(state)", sourceLocation: sourceLocation)
      #expect(lifecycle.state == row.next, "after \(state)", sourceLocation: sourceLocation)
    }
    #expect(rows.count == Self.states.count, sourceLocation: sourceLocation)
  }

  @Test func conflictMakesAReadyHostCatchUp() {
    check([
      Row(next: .loading, action: false), Row(next: .catchingUp, action: true), Row(next: .catchingUp, action: true),
      Row(next: .catchingUp, action: true), Row(next: .catchingUp, action: false),
      Row(next: .failed(Self.error), action: false),
    ]) { $0.conflicted() }
  }

  @Test func neededHostStays() {
    check([
      Row(next: .loading, action: false), Row(next: .ready(.needed), action: false),
      Row(next: .ready(.needed), action: true), Row(next: .ready(.needed), action: false),
      Row(next: .catchingUp, action: false), Row(next: .failed(Self.error), action: false),
    ]) { $0.becameNeeded() }
  }

  @Test func idleHostRestsBeforeItLeaves() {
    check([
      Row(next: .loading, action: .none), Row(next: .ready(.idle), action: .startTimer),
      Row(next: .ready(.idle), action: .none), Row(next: .ready(.leaving), action: .remove),
      Row(next: .catchingUp, action: .none), Row(next: .failed(Self.error), action: .remove),
    ]) { $0.becameIdle(isEmpty: false, isKept: true) }
  }

  @Test func idleHostThatTheJournalForgetsStays() {
    check([
      Row(next: .loading, action: .none), Row(next: .ready(.needed), action: .none),
      Row(next: .ready(.idle), action: .none), Row(next: .ready(.leaving), action: .remove),
      Row(next: .catchingUp, action: .none), Row(next: .failed(Self.error), action: .remove),
    ]) { $0.becameIdle(isEmpty: false, isKept: false) }
  }

  @Test func emptyHostLeavesAtOnce() {
    check([
      Row(next: .loading, action: .none), Row(next: .ready(.needed), action: .remove),
      Row(next: .ready(.idle), action: .remove), Row(next: .ready(.leaving), action: .remove),
      Row(next: .catchingUp, action: .none), Row(next: .failed(Self.error), action: .remove),
    ]) { $0.becameIdle(isEmpty: true, isKept: true) }
  }

  @Test func timerFindsWhatIsToBeDone() {
    check([
      Row(next: .loading, action: .none), Row(next: .ready(.needed), action: .none),
      Row(next: .ready(.leaving), action: .writeSnapshot), Row(next: .ready(.leaving), action: .none),
      Row(next: .catchingUp, action: .none), Row(next: .failed(Self.error), action: .none),
    ]) { $0.idleTimerFired(isIdle: true, hasSnapshot: false) }
    check([
      Row(next: .loading, action: .none), Row(next: .ready(.needed), action: .none),
      Row(next: .ready(.idle), action: .remove), Row(next: .ready(.leaving), action: .none),
      Row(next: .catchingUp, action: .none), Row(next: .failed(Self.error), action: .none),
    ]) { $0.idleTimerFired(isIdle: true, hasSnapshot: true) }
    check([
      Row(next: .loading, action: .none), Row(next: .ready(.needed), action: .none),
      Row(next: .ready(.needed), action: .none), Row(next: .ready(.leaving), action: .none),
      Row(next: .catchingUp, action: .none), Row(next: .failed(Self.error), action: .none),
    ]) { $0.idleTimerFired(isIdle: false, hasSnapshot: false) }
  }

  @Test func failedCommitKeepsAHostThatWasLeaving() {
    check([
      Row(next: .loading, action: true), Row(next: .ready(.needed), action: true),
      Row(next: .ready(.idle), action: true), Row(next: .ready(.needed), action: true),
      Row(next: .catchingUp, action: true), Row(next: .failed(Self.error), action: true),
    ]) {
      $0.commitFailed()
      return true
    }
  }

  @Test func failedJournalIsAskedAgainWhereTheHostIsNeeded() {
    for isNeeded in [true, false] {
      for state in Self.states {
        var lifecycle = Self.lifecycle(state)
        let isRetried = isNeeded && state == .failed(Self.error)
        let asksAgain = lifecycle.retryIsDue(isNeeded: isNeeded)
        #expect(asksAgain == isRetried)
        #expect(lifecycle.state == (isRetried ? .loading : state))
      }
    }
  }

  @Test func journalEndsTheWait() {
    for state in [HostLifecycle.State.loading, .catchingUp] {
      var (read, failed) = (Self.lifecycle(state), Self.lifecycle(state))
      read.journalWasRead()
      failed.journalFailed(Self.error)
      #expect(read.state == .ready(.needed) && failed.state == .failed(Self.error))
    }
    var lost = Self.lifecycle(.catchingUp)
    lost.lostTrack()
    #expect(lost.state == .loading)
  }
}
