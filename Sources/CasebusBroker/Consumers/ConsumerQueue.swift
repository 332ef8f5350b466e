import CasebusJournal
import CasebusWorkspace
import DequeModule

/// One durable consumer in one workspace: which record goes to which of its sessions, when again, and how far it is.
///
/// It holds a window of the records after its position: those that a session has and has not acknowledged, and a few that
/// wait to be given to one. What is appended beyond the window is read later (``Actions/read``). Times are arguments.
///
/// Everything of one key that is not acknowledged is with one session, in the order of the offsets; what is given again
/// takes the later records of its key along.
struct ConsumerQueue {
  let names: Set<String>
  let limits: Limits
  /// The records of the window, in no order.
  var entries: [JournalOffset: Entry] = [:]
  /// Those that no session has, the oldest first.
  var waiting: Deque<JournalOffset> = []
  /// In the order in which they joined.
  var members: [Member] = []
  var keys: KeyAffinity
  /// Every record up to this one was looked at: it is done with, or it is in the window.
  var lookedAt: JournalOffset
  /// The newest record that there is.
  var last: JournalOffset
  /// The newest record that any session was given.
  var highestDelivered: JournalOffset = 0
  /// The read that is not over, and the newest record when it began.
  var reading: (after: JournalOffset, last: JournalOffset)?
  /// No record is due before; nil if no session has one.
  var nextDeadline: Timestamp?
  /// What the records of the window hold in memory, about.
  var windowBytes = 0
  /// How many more records its sessions may be given now; set before each input where workspaces share that.
  var room = Int.max
  /// Whose turn it is among sessions that have equally much to do.
  var turn: Int
  /// The position that was told last.
  private var toldPosition: JournalOffset

  /// - Parameters:
  ///   - names: the event names that it gets.
  ///   - position: every record up to this one is done with.
  ///   - last: the newest record that there is.
  ///   - turn: which session gets the first record; different in different workspaces, so that all sessions of a
  ///     consumer of many workspaces have something to do.
  init(names: Set<String>, limits: Limits, position: JournalOffset, last: JournalOffset, turn: Int = 0) {
    self.names = names
    self.limits = limits
    self.last = last
    self.turn = turn
    lookedAt = position
    toldPosition = position
    keys = KeyAffinity(keysMax: max(KeyAffinity.keysMin, 4 * limits.maxUnacknowledged))
  }

  struct Limits: Hashable {
    var maxUnacknowledged = 256
    var maxDeliveries = 5
    var ackTimeoutMilliseconds: Int64 = 30_000
  }

  /// A record of the window.
  struct Entry {
    var record: ConsumerRecord
    /// How often a session was given it.
    var deliveries = 0
    var state = State.waiting

    enum State: Hashable {
      case waiting
      case given(to: SessionKey, deadline: Timestamp)
    }
  }

  /// A session of this consumer.
  struct Member {
    let session: SessionKey
    /// What it has and has not acknowledged, the oldest first.
    var held: Deque<JournalOffset> = []
  }

  /// What is to be done now, in this order.
  struct Actions: Equatable {
    /// Given up; they count as done with.
    var parked: [ParkedRecord] = []
    /// Everything up to this record is done with; nil if that is as it was.
    var position: JournalOffset?
    var deliveries: [Delivery] = []
    /// ``recordsRead(_:at:)`` or ``readFailed()`` is expected to follow.
    var read: Read?
  }

  struct Delivery: Equatable {
    var session: SessionKey
    var record: JournalRecord
    /// 1 for the first time.
    var number: Int
  }

  struct Read: Equatable {
    var after: JournalOffset
    var limit: Int
  }
}

extension ConsumerQueue {
  /// Every record up to this one is done with.
  var position: JournalOffset {
    let oldest = members.compactMap(\.held.first).min() ?? .max
    return min(oldest, waiting.first ?? .max, lookedAt + 1) - 1
  }

  /// How many records sessions have and have not acknowledged.
  var unacknowledged: Int { entries.count - waiting.count }

  /// Whether there is nothing to do, and nothing would be forgotten with it.
  /// - Parameter last: the newest record that there is.
  func isIdle(upTo last: JournalOffset) -> Bool { entries.isEmpty && (members.isEmpty || lookedAt >= last) }

  /// Whether it has something for its sessions and only ``room`` is missing.
  var isStarved: Bool {
    room <= 0 && !members.isEmpty && unacknowledged < limits.maxUnacknowledged && (!waiting.isEmpty || lookedAt < last)
  }

  func hasMember(_ session: SessionKey) -> Bool { members.contains { $0.session == session } }

  /// Every input ends here: what waits is given out, and what there is to do is told.
  mutating func actions(at now: Timestamp, parked: [ParkedRecord] = []) -> Actions {
    var actions = Actions(parked: parked)
    actions.deliveries = giveOut(at: now)
    actions.read = wantedRead()
    if unacknowledged == 0 { nextDeadline = nil }
    let position = position
    if position != toldPosition { actions.position = position }
    toldPosition = position
    return actions
  }
}
