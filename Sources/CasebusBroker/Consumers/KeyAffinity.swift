/// Which session the events of a key go to: that which has earlier ones unacknowledged, or had them lately.
///
/// Bounded: beyond its maximum the keys that were longest not used are forgotten, but never one of which a session has
/// something.
struct KeyAffinity {
  /// As many keys are remembered even by a consumer that may have few events at a time.
  static let keysMin = 1024

  private let keysMax: Int
  private var holders: [EventKey: Holder] = [:]
  private var uses: UInt64 = 0

  private struct Holder {
    var session: SessionKey
    var unacknowledged = 0
    var lastUse: UInt64 = 0
  }

  init(keysMax: Int) {
    self.keysMax = keysMax
  }

  var count: Int { holders.count }

  func session(of key: EventKey) -> SessionKey? { holders[key]?.session }

  /// A session was given a record of a key, which is its own or nobody's.
  mutating func given(_ key: EventKey, to session: SessionKey) {
    uses += 1
    holders[key, default: Holder(session: session)].unacknowledged += 1
    holders[key]!.lastUse = uses
    if holders.count > keysMax { forgetUnused() }
  }

  /// A record of a key was acknowledged, or is no longer with the session.
  mutating func takenBack(_ key: EventKey) {
    holders[key]?.unacknowledged -= 1
  }

  /// A session is gone, and with it what it had.
  mutating func forget(_ session: SessionKey) {
    holders = holders.filter { $0.value.session != session }
  }

  /// Half of what may go goes at once, so that this is seldom.
  private mutating func forgetUnused() {
    let unused = holders.filter { $0.value.unacknowledged == 0 }.sorted { $0.value.lastUse < $1.value.lastUse }
    for (key, _) in unused.prefix((unused.count + 1) / 2) { holders[key] = nil }
  }
}
