import CasebusJournal
import CasebusProtocol
import DequeModule

/// How much the sessions of a consumer of all workspaces may have at one time from the workspaces of one loop. Without it,
/// a backlog in thousands of workspaces would come all at once, and time out before it could be worked off.
struct ConsumerRoom {
  /// While it is closed nobody is given anything.
  var isClosed = false
  private var rest: Int
  /// Workspaces that have something and found no room, the longest waiting first.
  private var starved: Deque<WorkspaceID> = []
  private var isStarved: Set<WorkspaceID> = []

  init(unacknowledgedMax: Int) {
    rest = unacknowledgedMax
  }

  var free: Int { isClosed ? 0 : rest }

  mutating func changed(by difference: Int) {
    rest -= difference
  }

  mutating func wait(_ workspace: WorkspaceID) {
    if isStarved.insert(workspace).inserted { starved.append(workspace) }
  }

  /// The workspace whose turn it is; nil if there is no room or nobody waits.
  mutating func next() -> WorkspaceID? {
    guard free > 0, let workspace = starved.popFirst() else { return nil }
    isStarved.remove(workspace)
    return workspace
  }
}
