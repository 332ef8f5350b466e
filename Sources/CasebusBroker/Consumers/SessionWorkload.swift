import CasebusJournal
import CasebusProtocol
import DequeModule

/// What a session of a durable consumer was sent and has not acknowledged, over all its workspaces: what it was at when
/// it ended.
struct SessionWorkload {
  /// What it was at, and whether it ever acknowledged anything.
  struct Work: Hashable, Sendable {
    var workspace: WorkspaceID
    var offset: JournalOffset
    var hasAcknowledged: Bool
  }

  private struct Place: Hashable {
    var workspace: WorkspaceID
    var offset: JournalOffset
  }

  /// As many events of a workspace are remembered; a session that acknowledges none is given no more by itself.
  private let eventsPerWorkspaceMax: Int
  private var given: [WorkspaceID: GivenEvents] = [:]
  private var count = 0
  /// In the order in which they were sent; some may be acknowledged, the first is not.
  private var places: Deque<Place> = []
  private var hasAcknowledged = false

  init(maxUnacknowledged: Int) {
    eventsPerWorkspaceMax = 2 * maxUnacknowledged
  }

  /// How many workspaces it has something of.
  var workspaceCount: Int { given.count }

  var work: Work? {
    places.first.map { Work(workspace: $0.workspace, offset: $0.offset, hasAcknowledged: hasAcknowledged) }
  }

  mutating func sent(_ offset: JournalOffset, of workspace: WorkspaceID) {
    var events = given[workspace, default: GivenEvents()]
    given[workspace] = nil
    let before = events.count
    if !events.contains(offset) { places.append(Place(workspace: workspace, offset: offset)) }
    events.add(offset)
    if events.count > eventsPerWorkspaceMax, let oldest = events.first { events.remove(oldest) }
    count += events.count - before
    given[workspace] = events
    trim()
  }

  mutating func acknowledged(upTo offset: JournalOffset, in workspace: WorkspaceID) {
    guard var events = given.removeValue(forKey: workspace) else { return }
    let done = events.acknowledge(upTo: offset)
    count -= done.count
    hasAcknowledged = hasAcknowledged || !done.isEmpty
    // A monitor gets events of ever more workspaces: one with nothing to acknowledge is forgotten.
    if !events.isEmpty { given[workspace] = events }
    trim()
  }

  /// Half of the places may be gone, so that each costs constant time on average.
  private mutating func trim() {
    while let first = places.first, !isThere(first) { places.removeFirst() }
    guard places.count > 2 * count + 64 else { return }
    places = places.filter { isThere($0) }
  }

  private func isThere(_ place: Place) -> Bool { given[place.workspace]?.contains(place.offset) ?? false }
}
