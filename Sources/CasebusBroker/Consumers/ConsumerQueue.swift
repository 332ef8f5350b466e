import CasebusJournal
import CasebusWorkspace
import DequeModule

/// One durable consumer in one workspace: which record goes to which of its sessions, when again, and how far it is.
///
/// It holds a window of the records after its position: those that a session has and has not acknowledged, and a few that
/// wait to be given to one. What is appended beyond the window is read later (``Actions/read``). Times are arguments.
///
/// Everything of one key that is not acknowledged is with one session, in the order of the offsets; a session that leaves
/// or is late gives all of it back together.
struct ConsumerQueue {
  let names: Set<String>
  let limits: Limits
  /// The records of the window, in no order.
  var entries: [JournalOffset: Entry] = [:]
  /// The records that the position depends on, the oldest first. Some may be done with; the first is not.
  var order: Deque<JournalOffset> = []
  /// Those that belong to no session, the oldest first.
  var waiting: Deque<JournalOffset> = []
  /// How many wait for the session that has their key.
  var pendingCount = 0
  /// How many records sessions have and have not acknowledged.
  var unacknowledged = 0
  var members: [SessionKey: Member] = [:]
  /// How much the prompt members have: those that acknowledge in time.
  var loads = MemberLoads()
  /// The late ones: their time was over, and they have acknowledged nothing since.
  var late = UniqueQueue<SessionKey>()
  /// The late ones that have nothing.
  var idleLate = UniqueQueue<SessionKey>()
  /// The members that have something, the next due first; all have equally long.
  var deadlines = UniqueQueue<SessionKey>()
  /// The members for which something is ``Member/pending``.
  var blocked = UniqueQueue<SessionKey>()
  var keys: KeyAffinity
  /// Every record up to this one was looked at: it is done with, or it is in the window.
  var lookedAt: JournalOffset
  /// The newest record that there is.
  var last: JournalOffset
  /// The newest record that any session was given.
  var highestDelivered: JournalOffset = 0
  /// The read that is not over, and the newest record when it began.
  var reading: (after: JournalOffset, last: JournalOffset)?
  /// Parked records that come again and are not in the window yet.
  var again: Deque<JournalOffset> = []
  /// The one of them that is being read.
  var readingAgain: JournalOffset?
  /// What the records of the window hold in memory, about.
  var windowBytes = 0
  /// How many more records its sessions may be given now; set before each input where workspaces share that.
  var room = Int.max
  /// Which session begins, among those that have equally much to do.
  let turn: Int
  /// What the actions of this input are to tell.
  var pendingActions = Actions()
  /// The position that was told last.
  private var toldPosition: JournalOffset

  /// - Parameters:
  ///   - names: the event names that it gets.
  ///   - position: every record up to this one is done with.
  ///   - last: the newest record that there is.
  ///   - turn: which session gets the first record; different in different workspaces, so that all sessions of a
  ///     consumer of many workspaces have something to do.
  ///   - again: parked records that come again.
  init(
    names: Set<String>, limits: Limits, position: JournalOffset, last: JournalOffset, turn: Int = 0,
    again: [JournalOffset] = []
  ) {
    self.names = names
    self.limits = limits
    self.last = last
    self.turn = turn
    self.again = Deque(again)
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
    /// How often that was in vain: a session may have failed because of it. What it was sent ahead does not count.
    var failures = 0
    /// How often a session was at it that ended without having acknowledged anything.
    var spared = 0
    /// The session that has it.
    var holder: SessionKey?
    /// Whether it was parked before and comes again; the position does not depend on it.
    var isAgain = false
  }

  /// A session of this consumer.
  struct Member {
    /// What it has and has not acknowledged.
    var held = GivenEvents()
    /// What was taken from it when it was late. Should it have done some of that all the same, nobody needs to again.
    var lost = GivenEvents()
    /// What waits for it because it has the key, the oldest first.
    var pending: Deque<JournalOffset> = []
    /// When it is late unless it acknowledges something; nil while it has nothing.
    var deadline: Timestamp?
    var isLate = false
  }

  /// What is to be done now, in this order.
  struct Actions: Equatable {
    /// Given up; they count as done with.
    var parked: [ParkedRecord] = []
    /// Parked before, and done with now.
    var unparked: [JournalOffset] = []
    /// Everything up to this record is done with; nil if unchanged.
    var position: JournalOffset?
    var deliveries: [Delivery] = []
    /// ``recordsRead(_:at:)``, ``recordsPruned(before:at:)`` or ``readFailed()`` is expected to follow.
    var read: Read?
    /// ``recordReadAgain(_:at:)`` or ``readAgainFailed()`` is expected to follow, with the record at this offset.
    var readAgain: JournalOffset?
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

  /// What a session worked on when it ended.
  struct Work: Hashable {
    var offset: JournalOffset
    /// Whether it ever acknowledged anything.
    var hasAcknowledged: Bool
  }
}

extension ConsumerQueue {
  /// Every record up to this one is done with.
  var position: JournalOffset { order.first.map { $0 - 1 } ?? lookedAt }

  /// No session is late before; nil if none has anything.
  var nextDeadline: Timestamp? { deadlines.first.flatMap { members[$0]?.deadline } }

  /// Whether there is nothing to do, and nothing would be forgotten with it.
  /// - Parameter last: the newest record that there is.
  func isIdle(upTo last: JournalOffset) -> Bool {
    entries.isEmpty && (members.isEmpty || (lookedAt >= last && again.isEmpty))
  }

  /// Whether it has something for its sessions and only ``room`` is missing.
  var isStarved: Bool {
    room <= 0 && !members.isEmpty && unacknowledged < limits.maxUnacknowledged
      && (!waiting.isEmpty || pendingCount > 0 || lookedAt < last || !again.isEmpty)
  }

  /// Parked records that come again and are not done with, for when the workspace leaves memory.
  var comingAgain: [JournalOffset] { again + entries.filter(\.value.isAgain).keys.sorted() }

  func hasMember(_ session: SessionKey) -> Bool { members[session] != nil }

  /// Every input ends here: what waits is given out, and what there is to do is told.
  mutating func actions(at now: Timestamp) -> Actions {
    giveOut(at: now)
    pendingActions.read = wantedRead()
    pendingActions.readAgain = wantedReadAgain()
    if position != toldPosition { pendingActions.position = position }
    toldPosition = position
    defer { pendingActions = Actions() }
    return pendingActions
  }
}
