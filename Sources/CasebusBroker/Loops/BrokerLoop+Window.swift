import CasebusProtocol
import CasebusWorkspace
import NIOCore

/// When this loop's workspaces may decide what clients say.
extension BrokerLoop {
  /// Whether what comes of a message has room: in the commit, and in the inboxes of the loops.
  private var hasRoom: Bool { commits.pendingBytes < configuration.uncommittedBytesMax && !isCongested }

  /// Whether there is room and no message of any session waits.
  var decidesAtOnce: Bool { hasRoom && window.isEmpty }

  /// Whether a message may be decided now; else it is when there is room.
  func mayDecide(_ message: DecisionWindow.Message, in workspace: WorkspaceID) -> Bool {
    if window.received(message, in: workspace, hasRoom: hasRoom) == .decide { return true }
    // What waits of a session that is gone waits for its connection no more.
    if window.isLeaving(message.session) { scheduleTick() }
    return false
  }

  /// A session has room for more.
  func outcomeSent(_ bytes: Int, to session: SessionKey) {
    window.sent(bytes, to: session)
    if window.hasTurns { scheduleTick() }
  }

  /// Decides what waited, as far as there is room.
  func decideWaiting() {
    while hasRoom, let (workspace, message) = window.next() { hosts[workspace]?.decideWaiting(message) }
  }
}

// MARK: - The inboxes of all loops

extension BrokerLoop {
  /// How long a loop waits before it looks again whether the others have delivered what they have.
  private static var congestionPause: TimeAmount { .milliseconds(1) }

  /// A loop that has more to deliver than it can is given no more until it has.
  func updateCongestion() {
    let limit = configuration.undeliveredBytesMax
    let isCongested = loops.contains { $0.inboxBytes.count >= limit }
    guard isCongested, !self.isCongested else { return }
    self.isCongested = true
    lookAgain()
  }

  private func lookAgain() {
    port.eventLoop.assumeIsolated().scheduleTask(in: Self.congestionPause) { [self] in
      isCongested = false
      updateCongestion()
      guard !isCongested else { return }
      decideWaiting()
      giveReplayTurns()
    }
  }
}
