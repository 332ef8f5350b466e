import CasebusJournal
import CasebusProtocol
import DequeModule

/// The newest events of a workspace, kept in memory while replays are in progress: where a replay has read the journal
/// to its end, these continue it (Protocol §9.2). Without a replay nothing is kept.
struct RetainedEvents {
  private let bytesMax: Int
  private var events: Deque<EncodedEvent> = []
  private var bytes = 0
  /// The sessions with a replay.
  private var readers: Set<SessionKey> = []

  init(bytesMax: Int) {
    self.bytesMax = bytesMax
  }

  // MARK: - Replays

  /// A session subscribed.
  /// - Parameter current: the position of the newest event.
  mutating func subscribed(_ session: SessionKey, since: ResumePoint?, current: StreamPosition) -> ReplayStart {
    let start = ReplayStart(since: since, current: current)
    if case .after = start { keep(for: session) }
    return start
  }

  /// The replay of a session has read the journal up to an offset.
  /// - Parameter end: the offset of the newest event.
  mutating func replayRead(by session: SessionKey, through offset: JournalOffset, end: JournalOffset) -> ReplayEnd {
    guard let events = events(after: offset, through: end) else {
      keep(for: session)
      return .further(through: end)
    }
    release(session)
    return .events(events)
  }

  /// From now on events are kept for a session.
  mutating func keep(for session: SessionKey) {
    readers.insert(session)
  }

  /// The replay of a session has ended.
  mutating func release(_ session: SessionKey) {
    guard readers.remove(session) != nil, readers.isEmpty else { return }
    events.removeAll()
    bytes = 0
  }

  // MARK: - Events

  mutating func append(_ event: EncodedEvent) {
    guard !readers.isEmpty else { return }
    events.append(event)
    bytes += event.bytes
    while bytes > bytesMax { removeFirst() }
  }

  /// Removes the events after an offset: they were decided and not committed.
  mutating func rollBack(to offset: JournalOffset) {
    while let last = events.last, last.offset > offset { bytes -= events.removeLast().bytes }
  }

  /// The events after an offset up to the newest one, which has the offset `end`; nil if not all of them are kept.
  func events(after offset: JournalOffset, through end: JournalOffset) -> [EncodedEvent]? {
    guard offset < end else { return [] }
    guard let first = events.first?.offset, first <= offset + 1 else { return nil }
    return Array(events.dropFirst(Int(offset + 1 - first)))
  }

  private mutating func removeFirst() {
    bytes -= events.removeFirst().bytes
  }
}
