import CasebusWorkspace
import NIOCore

/// The one timer of a workspace, for what it decides when time has passed.
extension WorkspaceHost {
  /// Sets the timer for the next deadline.
  /// - Parameter pause: the least time until then; keeps a failing journal from being tried again and again at once.
  func updateDeadline(noSoonerThan pause: TimeAmount = .zero) {
    let next = current.nextDeadline
    guard next != deadline?.at else { return }
    deadline?.timer.cancel()
    deadline = next.map { ($0, timer(until: $0, noSoonerThan: pause)) }
  }

  private func timer(until moment: Timestamp, noSoonerThan pause: TimeAmount) -> Scheduled<Void> {
    let delay = max(pause, .milliseconds(moment.milliseconds(since: loop.now)))
    return loop.port.eventLoop.assumeIsolated().scheduleTask(in: delay) { [weak self] in
      self?.timerFired()
    }
  }

  /// The timer may be a moment early by the wall clock; then it is set again.
  private func timerFired() {
    // Else it is set again when the workspace can decide.
    guard lifecycle.isReady else { return }
    let fired = deadline?.at
    deadlineReached()
    guard fired != nil, deadline?.at == fired else { return }
    deadline = nil
    updateDeadline()
  }

  /// Decides what is due; does nothing if nothing is.
  func deadlineReached() {
    guard lifecycle.isReady, let due = deadline?.at, due <= loop.now else { return }
    apply(current.deadlineReached(at: loop.now), Outcome(caller: nil, answer: .silent))
  }
}
