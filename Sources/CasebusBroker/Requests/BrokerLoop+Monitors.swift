import CasebusProtocol
import CasebusWorkspace

/// What monitors say for a workspace that they name (Protocol §2.3).
extension BrokerLoop {
  /// Passes a monitor's message to the loop that hosts the workspace.
  func forward(
    _ content: Result<ClientMessage.Content, Failure>, fromMonitor asker: Outcome.Asker, to workspace: WorkspaceID
  ) {
    onLoop(of: workspace) { $0.receive(content, fromMonitor: asker, in: workspace) }
  }

  /// The workspace comes into memory for it.
  private func receive(
    _ content: Result<ClientMessage.Content, Failure>, fromMonitor asker: Outcome.Asker, in workspace: WorkspaceID
  ) {
    monitors.messageReceived(from: asker.session, asker.ownBlocker ?? asker.blocker)
    if let host = hosts[workspace] {
      // It stays, also if it was about to leave memory.
      host.isLeaving = false
      return host.receive(content, from: asker)
    }
    guard !wake(workspace, for: { $0.receive(content, from: asker) }) else { return }
    let failure = Failure(
      .limitExceeded, "\(configuration.workspacesMax) workspaces are open (workspacesMax), send it again later")
    answer(asker, .frame(.failure(to: asker, failure, at: nil)))
    settled(asker, in: workspace, hasBlocks: false)
  }

  /// A message of a monitor was decided.
  func decided(_ asker: Outcome.Asker) {
    if monitors.hasEnded(asker.session) { endWindow(of: asker.session) }
  }

  /// What came of a message of a monitor is durable, or undone.
  func settled(_ asker: Outcome.Asker, in workspace: WorkspaceID, hasBlocks: Bool) {
    let departure = monitors.messageSettled(from: asker.session, in: workspace, hasBlocks: hasBlocks)
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
  /// What came of a message is durable, or undone. If it is that of a monitor, it placed a block perhaps, or lifted the
  /// last one.
  func settleMonitor(of outcome: Outcome) {
    guard outcome.asker?.isMonitor == true, let asker = outcome.asker else { return }
    let blocker = asker.ownBlocker ?? asker.blocker
    let hasBlocks = hasBlocks(of: blocker)
    monitors[blocker] = hasBlocks ? asker.session : nil
    loop.settled(asker, in: id, hasBlocks: hasBlocks)
  }

  /// A monitor is gone, and with it the blocks that are its own.
  func monitorEnded(_ blocker: Blocker) {
    monitors[blocker] = nil
    depart(blocker)
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
