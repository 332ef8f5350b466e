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
    switch loading {
    case .running: return
    case .failed: loop.remove(self)
    case .done:
      if isLeaving || currentOffset == 0 || (current.isEmpty && !loop.journal.outlivesClose) {
        loop.remove(self)
      } else if loop.journal.outlivesClose {
        scheduleLeaving()
      }
    }
  }

  private func scheduleLeaving() {
    guard leaving == nil else { return }
    let pause = TimeAmount.seconds(Int64(loop.configuration.workspaceIdleSeconds))
    leaving = loop.port.eventLoop.assumeIsolated().scheduleTask(in: pause) { [weak self] in
      self?.leave()
    }
  }

  /// Goes, or first leaves a snapshot behind, so that coming back is quick; its commit then brings the host here again.
  private func leave() {
    leaving = nil
    guard isIdle else { return }
    if snapshotOffset == currentOffset {
      loop.remove(self)
    } else {
      isLeaving = true
      apply([], Outcome(asker: nil, answer: .silent), snapshot: true)
    }
  }
}
