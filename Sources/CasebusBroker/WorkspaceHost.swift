import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import NIOCore

/// Runs one workspace's state machine on the loop that the workspace belongs to, so that no lock is needed.
///
/// It decides on the newest state, and keeps the committed one beside it: when the journal fails, that one is the truth.
final class WorkspaceHost {
  let id: WorkspaceID
  /// The state with everything that was decided.
  var current: Workspace
  /// The state with everything that is durable.
  var durable: Workspace
  var currentOffset: JournalOffset = 0
  var durableOffset: JournalOffset = 0
  /// The sessions that are connected to this workspace.
  private var sessions: Set<SessionKey> = []
  /// How many of them are on each loop.
  var sessionCounts: [Int]
  var uncommittedOutcomes = 0
  /// What is to be decided when time has passed, and the timer for it.
  var deadline: (at: Timestamp, timer: Scheduled<Void>)?
  unowned let loop: BrokerLoop

  init(id: WorkspaceID, loop: BrokerLoop, loopCount: Int) {
    self.id = id
    self.loop = loop
    current = Workspace(rules: loop.configuration.workspaceRules)
    durable = current
    sessionCounts = Array(repeating: 0, count: loopCount)
  }
}

extension WorkspaceHost {
  func hasSessions(on loop: Int) -> Bool { sessionCounts[loop] > 0 }

  func attach(_ session: SessionKey) {
    sessions.insert(session)
    sessionCounts[session.loop] += 1
  }

  /// A session is gone, and with it the blocks that are its own.
  func detach(_ session: SessionKey, blocker: Blocker) {
    // One that was refused for want of room was never attached.
    guard sessions.remove(session) != nil else { return }
    sessionCounts[session.loop] -= 1
    run(.blockerLeft, by: blocker)
    leaveIfIdle()
  }

  /// An empty workspace that nobody is connected to leaves memory.
  func leaveIfIdle() {
    guard sessions.isEmpty, uncommittedOutcomes == 0, current.isEmpty else { return }
    loop.remove(self)
  }
}

@available(*, unavailable)
extension WorkspaceHost: Sendable {}
