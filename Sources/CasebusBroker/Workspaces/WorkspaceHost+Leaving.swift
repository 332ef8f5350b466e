import CasebusJournal
import CasebusWorkspace
import NIOCore

/// Leaving memory when nobody is connected, nothing is due, and the journal can bring everything back.
extension WorkspaceHost {
  private var isIdle: Bool {
    sessions.isEmpty && waitingMessages == 0 && pendingCommits == 0 && deadline == nil && departed.isEmpty
      && consumers.areIdle(upTo: durableOffset)
  }

  func leaveIfIdle() {
    guard isIdle else { return }
    let isKept = loop.journal.outlivesClose
    switch lifecycle.becameIdle(isEmpty: currentOffset == 0 || (current.isEmpty && !isKept), isKept: isKept) {
    case .remove: loop.remove(self)
    case .startTimer: startIdleTimer()
    case .none: break
    }
  }

  private func startIdleTimer() {
    let pause = TimeAmount.seconds(Int64(loop.configuration.workspaceIdleSeconds))
    idleTimer = loop.port.eventLoop.assumeIsolated().scheduleTask(in: pause) { [weak self] in
      self?.idleTimerFired()
    }
  }

  /// The commit of the last snapshot calls ``leaveIfIdle()`` again.
  private func idleTimerFired() {
    switch lifecycle.idleTimerFired(isIdle: isIdle, hasSnapshot: snapshotOffset == currentOffset) {
    case .remove: loop.remove(self)
    case .writeSnapshot: apply([], Outcome(caller: nil, answer: .silent), snapshot: true)
    case .none: break
    }
  }
}
