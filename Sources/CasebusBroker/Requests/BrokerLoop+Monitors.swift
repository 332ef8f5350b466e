import CasebusProtocol
import CasebusWorkspace

/// What monitors say for a workspace that they name (Protocol §2.3).
extension BrokerLoop {
  /// A monitor said something for a workspace of this loop, which comes into memory for it.
  func receive(
    _ content: Result<ClientMessage.Content, Failure>, fromMonitor caller: Caller, in workspace: WorkspaceID
  ) {
    monitors.messageReceived(from: caller.session, ownBlocker(of: caller.session, caller.principal))
    if let host = hosts[workspace] {
      // It stays, also if it was about to leave memory.
      host.keep()
      return host.receive(content, from: caller)
    }
    guard !wake(workspace, for: { $0.receive(content, from: caller) }) else { return }
    let failure = Failure(
      .limitExceeded, "\(configuration.workspacesMax) workspaces are open (workspacesMax), send it again later")
    answer(caller, .frame(.failure(to: caller, failure, at: nil)))
    settled(caller, in: workspace, hasBlocks: false)
  }

  /// A message of a monitor was decided.
  func decided(_ caller: Caller) {
    if monitors.hasEnded(caller.session) { endWindow(of: caller.session) }
  }

  /// What came of a message of a monitor is durable, or undone.
  func settled(_ caller: Caller, in workspace: WorkspaceID, hasBlocks: Bool) {
    let departure = monitors.messageSettled(from: caller.session, in: workspace, hasBlocks: hasBlocks)
    if let departure { lift(departure) }
  }

  /// A monitor's session has ended. What it said before takes effect before that.
  func endMonitor(_ session: SessionKey) {
    endWindow(of: session)
    if let departure = monitors.sessionEnded(session) { lift(departure) }
  }

  /// Nobody is there to be sent what comes of the messages that wait, so that they need not wait for that.
  private func endWindow(of session: SessionKey) {
    window.end(session)
    if window.hasTurns { scheduleTick() }
  }

  private func lift(_ departure: MonitorAccounts.Departure) {
    for workspace in departure.workspaces {
      hosts[workspace]?.whenLoaded { $0.monitorEnded(departure.blocker) }
    }
  }
}

extension WorkspaceHost {
  /// What came of the messages of a commit is durable, or undone. Those of monitors placed a block perhaps, or lifted the
  /// last one.
  func settleMonitors(of commit: WorkspaceCommit) {
    guard !loop.monitors.isEmpty else { return }
    for caller in commit.callers where caller.isMonitor { settle(caller) }
  }

  private func settle(_ caller: Caller) {
    let blocker = loop.ownBlocker(of: caller.session, caller.principal)
    let hasBlocks = hasBlocks(of: blocker)
    monitors[blocker] = hasBlocks ? caller.session : nil
    loop.settled(caller, in: id, hasBlocks: hasBlocks)
  }

  /// A monitor is gone, and with it the blocks that are its own.
  func monitorEnded(_ blocker: Blocker) {
    monitors[blocker] = nil
    if case .session = blocker { depart(blocker) }
  }

  /// Blocks ended, in whatever way: monitors that have no others here need not be remembered.
  func forgetMonitors(_ blockers: some Sequence<Blocker>) {
    for blocker in blockers where !hasBlocks(of: blocker) {
      guard let session = monitors.removeValue(forKey: blocker) else { continue }
      loop.monitors.blocksEnded(of: session, in: id)
    }
  }

  /// As long as a commit may undo that a block came or went, it counts.
  private func hasBlocks(of blocker: Blocker) -> Bool {
    current.hasBlocks(of: blocker) || durable.hasBlocks(of: blocker)
  }
}
