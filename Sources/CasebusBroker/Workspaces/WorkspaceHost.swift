import CasebusAccess
import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import DequeModule
import NIOCore

/// Runs one workspace's state machine on the loop that the workspace belongs to, so that no lock is needed.
///
/// It decides on the newest state, and keeps the committed one beside it: when the journal fails, that one is the truth.
final class WorkspaceHost {
  let id: WorkspaceID
  var lifecycle = HostLifecycle()
  /// What waits until it is known how the workspace stands.
  var waiting: Deque<(WorkspaceHost) -> Void> = []
  /// Messages that are decided again, before what waits, because others appended to the workspace first.
  var again: [HostMessage] = []
  /// The message that is being decided; kept with what comes of it, in case it has to be decided again.
  var cause: HostMessage?
  /// The state with everything that was decided.
  var current: Workspace
  /// The state with everything that is durable.
  var durable: Workspace
  /// Names the numbering of the offsets.
  var epoch = ""
  var currentOffset: JournalOffset = 0
  var durableOffset: JournalOffset = 0
  /// The offset of the newest snapshot, and of the newest durable one.
  var snapshotOffset: JournalOffset = 0
  var durableSnapshotOffset: JournalOffset = 0
  var receipts: ReceiptBook
  /// Events that sessions which catch up have not read yet.
  var retained: RetainedEvents
  /// The sessions that are connected to this workspace, and whose their markdone blocks are if no consumer's.
  private(set) var sessions: [SessionKey: Blocker] = [:]
  /// How many of them are on each loop.
  var sessionCounts: [Int]
  var consumers = HostConsumers()
  /// The monitors that have blocks here.
  var monitors: [Blocker: SessionKey] = [:]
  /// Whose blocks are to be lifted, because they are gone.
  var departed: Set<Blocker> = []
  /// Whether the journal failed since their blocks were to be lifted.
  var hasFailedToLift = false
  /// Its place in what the next commit gathers; nil while nothing of it is gathered.
  var gatheredCommit: Int?
  /// Who placed blocks in commits that have not ended, and in how many.
  private var unsettledBlockers: [Blocker: Int] = [:]
  /// How many commits it is part of that have not ended.
  var pendingCommits = 0
  /// How many messages wait to be decided here.
  var waitingMessages = 0
  /// What is to be decided when time has passed, and the timer for it.
  var deadline: (at: Timestamp, timer: Scheduled<Void>)?
  /// Fires when nobody has needed the workspace for a while.
  var idleTimer: Scheduled<Void>?
  unowned let loop: BrokerLoop

  init(id: WorkspaceID, loop: BrokerLoop, loopCount: Int) {
    self.id = id
    self.loop = loop
    current = Workspace(rules: loop.configuration.workspaceRules)
    durable = current
    receipts = ReceiptBook(loop.configuration)
    retained = RetainedEvents(bytesMax: loop.configuration.replayTailBytesMax)
    sessionCounts = Array(repeating: 0, count: loopCount)
  }
}

extension WorkspaceHost {
  func hasSessions(on loop: Int) -> Bool { sessionCounts[loop] > 0 }

  func attach(_ session: SessionKey, _ principal: Principal) {
    keep()
    sessions[session] = loop.ownBlocker(of: session, principal)
    sessionCounts[session.loop] += 1
  }

  /// The workspace stays, even if it was about to leave memory.
  func keep() {
    if lifecycle.becameNeeded() { idleTimer?.cancel() }
  }

  /// A session is gone, and with it the blocks that are its own; those of its principal stay.
  func detach(_ session: SessionKey) {
    // One that was refused for want of room was never attached.
    guard let blocker = sessions.removeValue(forKey: session) else { return }
    sessionCounts[session.loop] -= 1
    retained.release(session)
    if case .session = blocker { depart(blocker) } else { leaveIfIdle() }
  }

  /// A blocker is gone, and so are its blocks.
  func depart(_ blocker: Blocker) {
    departed.insert(blocker)
    liftBlocks(of: blocker)
    leaveIfIdle()
  }

  /// What the journal has taken of those who are gone is done with.
  /// - Parameter freed: whose blocks ended, in whatever way.
  func settleDeparted(_ freed: [Blocker]) {
    guard !departed.isEmpty else { return }
    for blocker in freed where departed.contains(blocker) { liftBlocks(of: blocker) }
    guard hasFailedToLift else { return }
    hasFailedToLift = false
    liftBlocksOfDeparted()
  }

  /// Blocks that were undone with a commit need not be lifted.
  func forgetUndoneBlocks() {
    departed = departed.filter { durable.hasBlocks(of: $0) }
  }

  /// Lifts the blocks of all who are gone.
  func liftBlocksOfDeparted() {
    for blocker in departed { liftBlocks(of: blocker) }
  }

  /// The blocker is forgotten when its blocks are gone for good: until then the journal may refuse that they went.
  func liftBlocks(of blocker: Blocker) {
    // Else it is done when it is known how the workspace stands.
    guard !lifecycle.isWaiting else { return }
    if current.hasBlocks(of: blocker) { return run(.blockerLeft, by: blocker) }
    // A block and its end may both be uncommitted still: of these two the journal may take the first alone.
    if !durable.hasBlocks(of: blocker), unsettledBlockers[blocker] == nil { departed.remove(blocker) }
  }

  /// A block was placed; the journal knows nothing of it yet.
  func blockWasPlaced(by blocker: Blocker, in commit: inout WorkspaceCommit) {
    if commit.blockWasPlaced(by: blocker) { unsettledBlockers[blocker, default: 0] += 1 }
  }

  /// The journal has taken or refused a commit.
  func settleBlockers(of commit: WorkspaceCommit) {
    for blocker in commit.blockers {
      unsettledBlockers[blocker] = unsettledBlockers[blocker].flatMap { $0 > 1 ? $0 - 1 : nil }
    }
  }

  /// Where the workspace stands with everything that was decided.
  var position: StreamPosition { StreamPosition(offset: currentOffset, epoch: epoch) }
}

@available(*, unavailable)
extension WorkspaceHost: Sendable {}
