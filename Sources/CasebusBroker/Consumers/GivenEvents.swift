import CasebusJournal
import DequeModule

/// What a session was given of one workspace and has not acknowledged, in the order in which it was given it.
///
/// That order is not always the one of the offsets: what another session had goes to this one after later events. An
/// acknowledgement of such a later event may be on its way then; it says nothing of what was given after that event
/// (Protocol §9.4).
struct GivenEvents {
  /// Some of these may be gone; the first is not.
  private var events: Deque<JournalOffset> = []
  /// Of each event that is there, the newest one that was given before it.
  private var newestBefore: [JournalOffset: JournalOffset] = [:]
  /// The newest event that was ever given.
  private(set) var newest: JournalOffset = 0

  /// What the session works on, if it takes one event after the other.
  var first: JournalOffset? { events.first }
  var isEmpty: Bool { newestBefore.isEmpty }
  var count: Int { newestBefore.count }
  var offsets: [JournalOffset] { events.filter { newestBefore[$0] != nil } }

  func contains(_ offset: JournalOffset) -> Bool { newestBefore[offset] != nil }

  /// One that is there already, and is only given again, keeps its place.
  mutating func add(_ offset: JournalOffset) {
    guard newestBefore[offset] == nil else { return }
    events.append(offset)
    newestBefore[offset] = newest
    newest = max(newest, offset)
  }

  mutating func remove(_ offset: JournalOffset) {
    guard newestBefore.removeValue(forKey: offset) != nil else { return }
    // Not left behind as one that is gone: it may be given again, and would then be there twice.
    if events.first == offset { events.removeFirst() } else { events.removeAll { $0 == offset } }
    trim()
  }

  mutating func removeAll() {
    events = []
    newestBefore = [:]
  }

  /// The session is done with what it was given up to an offset, before that event or as that event.
  /// - Returns: these, in the order in which they were given.
  mutating func acknowledge(upTo offset: JournalOffset) -> [JournalOffset] {
    // It was given after later ones: what came before it counts, then.
    let isStepBack = newestBefore[offset].map { $0 >= offset } ?? false
    var (done, kept): ([JournalOffset], [JournalOffset]) = ([], [])
    while let event = events.first, isStepBack || newestBefore[event].map({ $0 < offset }) ?? true {
      events.removeFirst()
      guard newestBefore[event] != nil else { continue }
      if event <= offset { done.append(event) } else { kept.append(event) }
      if isStepBack, event == offset { break }
    }
    for event in done { newestBefore[event] = nil }
    for event in kept.reversed() { events.prepend(event) }
    trim()
    return done
  }

  private mutating func trim() {
    while let first = events.first, newestBefore[first] == nil { events.removeFirst() }
  }
}
