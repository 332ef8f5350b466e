import CasebusWorkspace

/// Which session the events of a key go to: that which has earlier ones unacknowledged, or had them lately.
///
/// Bounded: beyond its maximum the key that was longest not used is forgotten, but never one of which a session has
/// something. What a session costs that leaves is what it had.
struct KeyAffinity {
  /// As many keys are remembered even by a consumer that may have few events at a time.
  static let keysMin = 1024

  private let keysMax: Int
  private var holders: [EventKey: Holder] = [:]
  private var keysBySession: [SessionKey: Set<EventKey>] = [:]
  /// Those of which nothing is unacknowledged, the longest not used first.
  private var unused = UniqueQueue<EventKey>()

  /// How many keys the last call that forgets some looked at, for tests of what it costs.
  private(set) var visited = 0

  private struct Holder {
    let session: SessionKey
    var unacknowledged = 0
  }

  init(keysMax: Int) {
    self.keysMax = keysMax
  }

  var count: Int { holders.count }

  func session(of key: EventKey) -> SessionKey? { holders[key]?.session }

  /// A session was given a record of a key, or is to be given it next; the key is its own or nobody's.
  mutating func given(_ key: EventKey, to session: SessionKey) {
    if holders[key] == nil { keysBySession[session, default: []].insert(key) }
    holders[key, default: Holder(session: session)].unacknowledged += 1
    unused.remove(key)
    forgetUnused()
  }

  /// A record of a key was acknowledged, or is no longer with the session.
  mutating func takenBack(_ key: EventKey) {
    guard holders[key] != nil else { return }
    holders[key]!.unacknowledged -= 1
    guard holders[key]!.unacknowledged == 0 else { return }
    unused.append(key)
    forgetUnused()
  }

  /// A session is gone, or has lost everything that it had.
  mutating func forget(_ session: SessionKey) {
    visited = 0
    for key in keysBySession.removeValue(forKey: session) ?? [] {
      visited += 1
      holders[key] = nil
      unused.remove(key)
    }
  }

  private mutating func forgetUnused() {
    visited = 0
    while holders.count > keysMax, let key = unused.popFirst() {
      visited += 1
      guard let session = holders.removeValue(forKey: key)?.session else { continue }
      keysBySession[session]?.remove(key)
      if keysBySession[session]?.isEmpty == true { keysBySession[session] = nil }
    }
  }
}
