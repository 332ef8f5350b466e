import CasebusJournal
import DequeModule

/// The newest events of a workspace, kept while sessions catch up with it: what they read from the journal ends where
/// these begin (Protocol §9.2). While nobody catches up, nothing is kept.
struct RetainedEvents {
  private let bytesMax: Int
  private var events: Deque<EncodedEvent> = []
  private var bytes = 0
  private var readers: Set<SessionKey> = []

  init(bytesMax: Int) {
    self.bytesMax = bytesMax
  }

  /// From now on, events are kept for this session.
  mutating func keep(for session: SessionKey) {
    readers.insert(session)
  }

  mutating func release(_ session: SessionKey) {
    guard readers.remove(session) != nil, readers.isEmpty else { return }
    events.removeAll()
    bytes = 0
  }

  mutating func append(_ event: EncodedEvent) {
    guard !readers.isEmpty else { return }
    events.append(event)
    bytes += event.bytes
    while bytes > bytesMax { removeFirst() }
  }

  /// Takes back what was decided after an offset.
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
