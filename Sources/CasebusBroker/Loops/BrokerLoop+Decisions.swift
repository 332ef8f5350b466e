import CasebusProtocol
import CasebusWorkspace
import NIOCore

/// When this loop's workspaces may decide what clients say, and what they give to the next commit.
extension BrokerLoop {
  /// Whether what comes of a message has room: in the commit, and in the inboxes of the loops.
  private var hasRoom: Bool { commits.pendingBytes < configuration.uncommittedBytesMax && !ticks.isCongested }

  /// Whether there is room and no message of any session waits.
  var decidesAtOnce: Bool { hasRoom && window.isEmpty }

  /// Whether a message may be decided now; else it is decided when there is room.
  func mayDecide(_ message: DecisionWindow.Message, in workspace: WorkspaceID) -> Bool {
    if window.received(message, in: workspace, hasRoom: hasRoom) == .decide { return true }
    // The session has ended: its waiting messages no longer wait for room in its connection.
    if window.isLeaving(message.session) { scheduleTick() }
    return false
  }

  /// A session has room for more.
  func outcomeSent(_ bytes: Int, to session: SessionKey) {
    window.sent(bytes, to: session)
    if window.hasTurns { scheduleTick() }
  }

  /// Decides waiting messages, as far as there is room.
  func decideWaiting() {
    while hasRoom, let (workspace, message) = window.next() { hosts[workspace]?.decideWaiting(message) }
  }

  /// Gives an outcome to the next commit.
  /// - Parameter addContent: adds what was decided with it.
  func commit(
    _ outcome: consuming Outcome, of host: WorkspaceHost,
    addContent: (inout WorkspaceCommit, inout Outcome) -> Void = { _, _ in }
  ) {
    var outcome = outcome
    commits.update(host) { commit in
      addContent(&commit, &outcome)
      outcome.weight += outcome.answerBytes
      if let caller = outcome.caller {
        outcome.charge = window.decided(outcome.weight, for: caller.session)
        outcome.chargingLoop = port.index
        if let cause = host.cause { commit.append(cause, messageBytes: caller.messageBytes) }
      }
      commit.append(outcome)
    }
    scheduleTick()
  }
}
