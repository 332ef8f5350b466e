import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import NIOCore

/// Runs one workspace's state machine on the loop that the workspace belongs to, so that no lock is needed.
///
/// It decides on the newest state, and keeps the committed one beside it: when the journal fails, that one is the truth.
final class WorkspaceHost {
  let id: WorkspaceID
  /// Whether the state was read from the journal.
  var loading = Loading.running(waiting: [])
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
  /// The sessions that are connected to this workspace.
  var sessions: Set<SessionKey> = []
  /// How many of them are on each loop.
  var sessionCounts: [Int]
  var consumers = HostConsumers()
  /// Whose blocks are to be lifted, because they are gone.
  var departed: Set<Blocker> = []
  var uncommittedOutcomes = 0
  /// What is to be decided when time has passed, and the timer for it.
  var deadline: (at: Timestamp, timer: Scheduled<Void>)?
  /// Set while nobody is connected.
  var leaving: Scheduled<Void>?
  /// Whether it goes as soon as its snapshot is durable.
  var isLeaving = false
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

  func attach(_ session: SessionKey) {
    leaving?.cancel()
    leaving = nil
    isLeaving = false
    sessions.insert(session)
    sessionCounts[session.loop] += 1
  }

  /// A session is gone, and with it the blocks that are its own.
  func detach(_ session: SessionKey, blocker: Blocker) {
    // One that was refused for want of room was never attached.
    guard sessions.remove(session) != nil else { return }
    sessionCounts[session.loop] -= 1
    retained.release(session)
    whenLoaded { host in
      host.departed.insert(blocker)
      host.liftBlocksOfDeparted()
      host.leaveIfIdle()
    }
  }

  /// Those of an earlier attempt that the journal did not take come again.
  func liftBlocksOfDeparted() {
    for blocker in departed {
      guard current.blocks.contains(where: { $0.blocker == blocker }) else {
        if durable.blocks.allSatisfy({ $0.blocker != blocker }) { departed.remove(blocker) }
        continue
      }
      run(.blockerLeft, by: blocker)
    }
  }

  /// Where the workspace stands with everything that was decided.
  var position: StreamPosition { StreamPosition(offset: currentOffset, epoch: epoch) }
}

@available(*, unavailable)
extension WorkspaceHost: Sendable {}
