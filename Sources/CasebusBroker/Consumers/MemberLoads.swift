/// Which session has the least to do; those that have equally much take turns. No search: sessions lie by how much they
/// have.
struct MemberLoads {
  private var loads: [SessionKey: Int] = [:]
  private var byLoad: [UniqueQueue<SessionKey>] = []
  /// How many loads the last search looked at, for tests of what it costs.
  private(set) var visited = 0
  /// No session has less.
  private var lowest = 0

  var isEmpty: Bool { loads.isEmpty }
  var count: Int { loads.count }

  /// - Parameter isNext: whether it comes before those that have as much; otherwise it comes after them.
  mutating func set(_ session: SessionKey, to load: Int, isNext: Bool = false) {
    if loads[session] == load { return }
    remove(session)
    while byLoad.count <= load { byLoad.append(UniqueQueue()) }
    loads[session] = load
    if isNext { byLoad[load].prepend(session) } else { byLoad[load].append(session) }
    lowest = min(lowest, load)
  }

  mutating func remove(_ session: SessionKey) {
    guard let load = loads.removeValue(forKey: session) else { return }
    byLoad[load].remove(session)
  }

  /// nil if there is no session. Loads grow by one, so that on average the next one is found at once.
  mutating func least() -> SessionKey? {
    guard !loads.isEmpty else { return nil }
    visited = 0
    while byLoad[lowest].isEmpty {
      lowest += 1
      visited += 1
    }
    return byLoad[lowest].first
  }
}
