import CasebusProtocol
import CasebusWorkspace
import NIOCore

/// When this loop's workspaces may decide what clients say.
extension BrokerLoop {
  /// Whether what comes of a message has room: in the commit, and in the inboxes of the loops.
  private var hasRoom: Bool { commits.pendingBytes < configuration.uncommittedBytesMax && !isCongested }

  /// Whether a message may be decided now; else it is when there is room.
  func mayDecide(_ message: DecisionWindow.Message, in workspace: WorkspaceID) -> Bool {
    window.received(message, in: workspace, hasRoom: hasRoom) == .decide
  }

  /// A session has left its workspace. What it said before is decided before that.
  func left(_ session: SessionKey, blocker: Blocker, _ workspace: WorkspaceID) {
    // What waits of it waits for its connection no more.
    guard mayDecide(.left(session, blocker), in: workspace) else { return scheduleTick() }
    window.forget(session)
    hosts[workspace]?.detach(session, blocker: blocker)
  }

  /// A session has room for more.
  func giveBack(_ charge: Int, to session: SessionKey) {
    window.sent(charge, to: session)
    if window.hasTurns { scheduleTick() }
  }

  /// Decides what waited, as far as there is room.
  func decideWaiting() {
    while hasRoom, let (workspace, message) = window.next() { hosts[workspace]?.decide(message) }
  }
}

// MARK: - The inboxes of all loops

extension BrokerLoop {
  /// How long a loop waits before it looks again whether the others have delivered what they have.
  private static var congestionPause: TimeAmount { .milliseconds(1) }

  /// A loop that has more to deliver than it can is given no more until it has.
  func updateCongestion() {
    let limit = configuration.undeliveredBytesMax
    let isCongested = loops.contains { $0.inboxBytes.sum >= limit }
    guard isCongested, !self.isCongested else { return }
    self.isCongested = true
    lookAgain()
  }

  private func lookAgain() {
    port.eventLoop.assumeIsolated().scheduleTask(in: Self.congestionPause) { [self] in
      isCongested = false
      updateCongestion()
      if !isCongested { decideWaiting() }
    }
  }
}
