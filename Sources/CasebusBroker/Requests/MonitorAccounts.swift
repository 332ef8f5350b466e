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
    /// Messages that came and were not decided.
    var undecided = 0
    /// Where it has blocks.
    var workspaces: Set<WorkspaceID> = []
    /// Whether its session has ended.
    var hasEnded = false
  }

  /// A session that has ended and of which nothing is to be decided any more.
  struct Departure: Equatable {
    var blocker: Blocker
    /// Where it has blocks.
    var workspaces: Set<WorkspaceID>
  }

  /// Whether nothing is kept of any monitor.
  var isEmpty: Bool { accounts.isEmpty }

  /// A monitor said something for a workspace of this loop.
  mutating func messageReceived(from session: SessionKey, _ blocker: Blocker) {
    accounts[session, default: Account(blocker: blocker)].undecided += 1
  }

  /// A message was decided.
  /// - Parameter hasBlocks: whether the monitor has blocks in the workspace now.
  /// - Returns: what is to be done if its session has ended before; nil if nothing is.
  mutating func messageDecided(
    from session: SessionKey, in workspace: WorkspaceID, hasBlocks: Bool
  ) -> Departure? {
    guard var account = accounts[session] else { return nil }
    account.undecided -= 1
    if hasBlocks { account.workspaces.insert(workspace) } else { account.workspaces.remove(workspace) }
    return keep(account, of: session)
  }

  /// A monitor's session has ended.
  /// - Returns: what is to be done now; nil if nothing is, or when its last message is decided.
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
    let isSettled = account.undecided == 0 && (account.hasEnded || account.workspaces.isEmpty)
    accounts[session] = isSettled ? nil : account
    return isSettled && account.hasEnded
      ? Departure(blocker: account.blocker, workspaces: account.workspaces) : nil
  }
}
