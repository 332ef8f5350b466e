import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import NIOCore

/// What was decided in one workspace since the commit before: its part of a batch, and what is released when the journal
/// has taken that.
struct WorkspaceCommit {
  let host: WorkspaceHost
  private(set) var part: JournalPart
  /// What the part's records are made from.
  private(set) var events: [WorkspaceEvent] = []
  private var release: WorkspaceRelease
  /// Who placed blocks in it.
  private(set) var blockers: Set<Blocker> = []
  /// The messages that led to it, in order; they are decided again if others appended to the workspace first.
  private(set) var causes: [HostMessage] = []
  /// Where the position of a consumer is in the part, so that it is not searched for.
  private var positionIndices: [JournalConsumer.Key: Int] = [:]
  /// What it holds in memory, about.
  private(set) var bytes = 0

  init(_ host: WorkspaceHost) {
    self.host = host
    part = JournalPart(expected: host.currentOffset)
    release = WorkspaceRelease(workspace: host.id, epoch: host.epoch)
  }

  /// Whether the journal is to keep anything of it.
  var isKept: Bool {
    !part.records.isEmpty || !part.receipts.isEmpty || part.snapshot != nil || !part.positions.isEmpty
  }

  /// - Parameter outcome: an event that is not followed by its outcome belongs to nobody.
  mutating func append(_ outcome: consuming Outcome) {
    bytes += outcome.weight
    release.append(outcome)
  }

  /// - Parameter messageBytes: how long the client's message was.
  mutating func append(_ cause: HostMessage, messageBytes: Int) {
    bytes += messageBytes
    causes.append(cause)
  }

  /// Who is answered.
  var callers: some Sequence<Caller> { release.outcomes.lazy.compactMap(\.caller) }

  /// What the answers counted in the windows of their sessions.
  var charges: [(session: SessionKey, bytes: Int)] {
    release.outcomes.compactMap { outcome in
      outcome.charge > 0 ? outcome.caller.map { ($0.session, outcome.charge) } : nil
    }
  }

  /// Adds an event of the outcome that is appended next. One without a record is a message to a channel.
  mutating func append(_ event: EncodedEvent) {
    release.events.append(event)
  }

  mutating func append(_ event: WorkspaceEvent, _ record: JournalRecord) {
    events.append(event)
    part.records.append(record)
  }

  /// A block was placed in it.
  /// - Returns: whether it is the first one of its blocker.
  mutating func blockWasPlaced(by blocker: Blocker) -> Bool { blockers.insert(blocker).inserted }

  mutating func append(_ receipt: JournalReceipt) {
    part.receipts.append(receipt)
  }

  mutating func set(_ snapshot: JournalSnapshot) {
    bytes += snapshot.state.readableBytes
    part.snapshot = snapshot
  }

  /// The newest position of a consumer counts; what was parked on the way there stays parked.
  mutating func append(_ positions: [JournalPosition]) {
    for position in positions {
      if let index = positionIndices[position.consumer] {
        part.positions[index].offset = position.offset
        part.positions[index].parked += position.parked
        part.positions[index].unparked += position.unparked
      } else {
        positionIndices[position.consumer] = part.positions.count
        part.positions.append(position)
      }
    }
  }

  /// Nothing more is added to it.
  mutating func end() {
    if isKept { part.deadline = host.current.nextDeadline?.milliseconds }
  }

  /// What its sessions are to learn; can be taken once.
  mutating func takeRelease() -> WorkspaceRelease {
    defer { release = WorkspaceRelease(workspace: host.id, epoch: host.epoch) }
    return release
  }

  /// What its sessions are to learn if the journal did not take it.
  mutating func takeRelease(failing failure: Failure) -> WorkspaceRelease {
    var release = takeRelease()
    release.events = []
    for index in release.outcomes.indices { host.fail(&release.outcomes[index], with: failure) }
    return release
  }
}

/// What the sessions of one workspace learn, in order: each answer, then the events that it led to. All loops share it.
struct WorkspaceRelease: Sendable {
  let workspace: WorkspaceID
  let epoch: String
  var outcomes: [Outcome] = []
  var events: [EncodedEvent] = []
  /// The loops that have callers, a bit for each; several loops may share one.
  private var callerLoops: UInt64 = 0
  /// What it holds in memory, about.
  private(set) var bytes = 0
  /// The outcomes and events before these were delivered.
  private var nextOutcome = 0
  private var nextEvent = 0

  init(workspace: WorkspaceID, epoch: String) {
    self.workspace = workspace
    self.epoch = epoch
  }

  /// One outcome that was not decided in a workspace.
  init(_ outcome: Outcome) {
    self.init(workspace: .default, epoch: "")
    append(outcome)
  }

  mutating func append(_ outcome: consuming Outcome) {
    bytes += outcome.weight
    if let caller = outcome.caller { callerLoops |= Self.bit(caller.session.loop) }
    outcomes.append(outcome)
  }

  /// Whether a session of a loop may be answered by it.
  func hasCaller(on loop: Int) -> Bool { callerLoops & Self.bit(loop) != 0 }

  private static func bit(_ loop: Int) -> UInt64 { 1 << UInt64(loop & 63) }

  /// Encodes what those others get that there are when it is released.
  mutating func addFrames(forMonitors: Bool, withPositions: Bool) {
    guard forMonitors || withPositions else { return }
    for index in events.indices {
      events[index].addFrames(workspace: workspace, forMonitors: forMonitors, epoch: withPositions ? epoch : nil)
    }
  }

  /// Whether everything was delivered.
  var isDone: Bool { nextOutcome == outcomes.count }

  /// The next outcome and its events, which then count as delivered.
  mutating func next() -> (outcome: Int, events: Range<Int>) {
    let outcome = nextOutcome
    let first = nextEvent
    nextOutcome += 1
    nextEvent += outcomes[outcome].eventCount
    return (outcome, first..<nextEvent)
  }
}
