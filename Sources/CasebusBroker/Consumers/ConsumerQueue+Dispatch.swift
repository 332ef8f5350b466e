import CasebusJournal
import CasebusWorkspace
import DequeModule

/// Who gets what.
extension ConsumerQueue {
  /// Who is to get a record.
  private enum Taker {
    case member(SessionKey)
    /// This one has its key, but no room now.
    case later(SessionKey)
    case nobody
  }

  /// Gives what waits to sessions, the oldest first, until they have as much as they may. What waits for a session
  /// without room holds up nobody else.
  mutating func giveOut(at now: Timestamp) {
    while room > 0, let offset = waiting.first {
      let key = entries[offset]!.record.key
      switch taker(of: key) {
      case .member(let session):
        waiting.removeFirst()
        if let key { keys.given(key, to: session) }
        give(offset, to: session, at: now)
      case .later(let session):
        waiting.removeFirst()
        if let key { keys.given(key, to: session) }
        members[session]!.pending.append(offset)
        pendingCount += 1
        blocked.append(session)
      case .nobody: return
      }
    }
  }

  /// Gives a session what waited for it, as far as it has room.
  mutating func givePending(to session: SessionKey, at now: Timestamp) {
    while room > 0, hasRoom(session), let offset = members[session]!.pending.popFirst() {
      pendingCount -= 1
      give(offset, to: session, at: now)
    }
    if members[session]!.pending.isEmpty { return blocked.remove(session) }
    // What holds it up is not its own doing: it waits where others wait for that, too.
    if hasShare(session) { freePending(of: session) }
  }

  private mutating func give(_ offset: JournalOffset, to session: SessionKey, at now: Timestamp) {
    room -= 1
    unacknowledged += 1
    entries[offset]!.holder = session
    highestDelivered = max(highestDelivered, offset)
    members[session]!.held.add(offset)
    if members[session]!.deadline == nil { restartTime(of: session, at: now) }
    heldChanged(session)
    deliver(offset, to: session)
  }

  mutating func deliver(_ offset: JournalOffset, to session: SessionKey) {
    entries[offset]!.deliveries += 1
    let entry = entries[offset]!
    pendingActions.deliveries.append(
      Delivery(session: session, record: entry.record.record, number: entry.deliveries))
  }

  /// The session that has the key, or else the one with the least to do.
  private mutating func taker(of key: EventKey?) -> Taker {
    if let session = key.flatMap({ keys.session(of: $0) }) {
      precondition(members[session] != nil, "a key belongs to a session that left")
      if hasShare(session), members[session]!.pending.isEmpty { return hasRoom(session) ? .member(session) : .nobody }
      return .later(session)
    }
    // Where all are late, those that have nothing are tried with one.
    guard let session = loads.least() ?? idleLate.first, hasRoom(session) else { return .nobody }
    return .member(session)
  }

  /// Whether a session has less than its share: of several that are prompt each may have an equal part. A late one has
  /// one event, and that only if nobody is prompt.
  private func hasShare(_ session: SessionKey) -> Bool {
    let held = members[session]!.held.count
    return members[session]!.isLate ? loads.isEmpty && held == 0 : held < max(1, share)
  }

  private var share: Int { limits.maxUnacknowledged / max(1, loads.count) }

  /// Whether a session may have one more. So that one which took the whole window while it was alone does not hold up
  /// another, that one gets its share even beyond the window.
  private func hasRoom(_ session: SessionKey) -> Bool {
    guard hasShare(session) else { return false }
    return unacknowledged < limits.maxUnacknowledged
      || (share > 0 && unacknowledged < 2 * limits.maxUnacknowledged)
  }
}

// MARK: - What follows from a change

extension ConsumerQueue {
  /// From now on a session has the whole time to acknowledge something.
  mutating func restartTime(of session: SessionKey, at now: Timestamp) {
    members[session]!.deadline = now.advanced(byMilliseconds: limits.ackTimeoutMilliseconds)
    deadlines.append(session)
  }

  /// A session has more or less than before.
  mutating func heldChanged(_ session: SessionKey) {
    let member = members[session]!
    if member.held.isEmpty {
      members[session]!.deadline = nil
      deadlines.remove(session)
    }
    guard member.isLate else { return loads.set(session, to: member.held.count) }
    if member.held.isEmpty {
      idleLate.append(session)
      freePending(of: session)
    } else {
      idleLate.remove(session)
    }
  }

  /// How much a member may have has changed for all: what waits for single ones is looked at anew.
  mutating func freePending() {
    var freed: [JournalOffset] = []
    while let session = blocked.first { freed += takePending(of: session) }
    putBack(freed)
  }

  mutating func freePending(of session: SessionKey) {
    putBack(takePending(of: session))
  }

  private mutating func takePending(of session: SessionKey) -> [JournalOffset] {
    let pending = members[session]!.pending
    members[session]!.pending = []
    pendingCount -= pending.count
    blocked.remove(session)
    for offset in pending {
      if let key = entries[offset]!.record.key { keys.takenBack(key) }
    }
    return Array(pending)
  }

  /// These belong to no session any more.
  mutating func putBack(_ offsets: [JournalOffset]) {
    guard !offsets.isEmpty else { return }
    waiting = Deque((waiting + offsets).sorted())
  }
}
