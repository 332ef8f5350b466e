import CasebusProtocol
import CasebusWorkspace

/// What monitors said for workspaces of one event loop, and in which of them they have markdone blocks.
///
/// A monitor is attached to no workspace: so that its blocks go with its session, the loop knows where it has any. Of a
/// monitor of which nothing waits here and that has no blocks here, nothing is kept.
struct MonitorAccounts {
  private var accounts: [SessionKey: Account] = [:]

  private struct Account {
    let blocker: Blocker
    /// Messages that came, and of which the journal has not yet taken or refused what came of them.
    var unsettled = 0
    /// Where it has blocks.
    var workspaces: Set<WorkspaceID> = []
    /// Whether its session has ended.
    var hasEnded = false
  }

  /// A session that has ended and of which every message is settled.
  struct Departure: Equatable {
    var blocker: Blocker
    /// Where it has blocks.
    var workspaces: Set<WorkspaceID>
  }

  /// Whether nothing is kept of any monitor.
  var isEmpty: Bool { accounts.isEmpty }

  /// Whether a session has ended of which a message is not settled.
  func hasEnded(_ session: SessionKey) -> Bool { accounts[session]?.hasEnded ?? false }

  /// A monitor said something for a workspace of this loop.
  mutating func messageReceived(from session: SessionKey, _ blocker: Blocker) {
    accounts[session, default: Account(blocker: blocker)].unsettled += 1
  }

  /// What came of a message is durable, or the journal refused it. Not when it is decided: of a block and its end, which
  /// were decided one after the other, the journal may take the first alone.
  /// - Parameter hasBlocks: whether the monitor has blocks in the workspace now.
  /// - Returns: what is to be done if its session has ended before; nil if nothing is.
  mutating func messageSettled(
    from session: SessionKey, in workspace: WorkspaceID, hasBlocks: Bool
  ) -> Departure? {
    guard var account = accounts[session] else { return nil }
    account.unsettled -= 1
    if hasBlocks { account.workspaces.insert(workspace) } else { account.workspaces.remove(workspace) }
    return keep(account, of: session)
  }

  /// A monitor's session has ended.
  /// - Returns: what is to be done now; nil if nothing is, or if a message is not settled.
  mutating func sessionEnded(_ session: SessionKey) -> Departure? {
    guard var account = accounts[session] else { return nil }
    account.hasEnded = true
    return keep(account, of: session)
  }

  /// The blocks of a monitor in a workspace have gone, in whatever way.
  mutating func blocksEnded(of session: SessionKey, in workspace: WorkspaceID) {
    guard var account = accounts[session] else { return }
    account.workspaces.remove(workspace)
    _ = keep(account, of: session)
  }

  private mutating func keep(_ account: Account, of session: SessionKey) -> Departure? {
    let isSettled = account.unsettled == 0 && (account.hasEnded || account.workspaces.isEmpty)
    accounts[session] = isSettled ? nil : account
    return isSettled && account.hasEnded
      ? Departure(blocker: account.blocker, workspaces: account.workspaces) : nil
  }
}
