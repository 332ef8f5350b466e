import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import DequeModule

/// What sessions do: they come, acknowledge, are late, and go.
extension ConsumerQueue {
  mutating func sessionJoined(_ session: SessionKey, at now: Timestamp) -> Actions {
    precondition(!members.contains { $0.session == session }, "a session joined its consumer twice")
    members.append(Member(session: session))
    return actions(at: now)
  }

  /// A session is gone, or is no longer part of the consumer; one that never was is no matter. What it has not
  /// acknowledged is for others.
  mutating func sessionLeft(_ session: SessionKey, at now: Timestamp) -> Actions {
    guard let index = members.firstIndex(where: { $0.session == session }) else { return Actions() }
    let member = members.remove(at: index)
    keys.forget(session)
    var parked: [ParkedRecord] = []
    for offset in member.held { takeBack(offset, parked: &parked, at: now) }
    sortWaiting()
    if members.isEmpty { dropUntouched() }
    return actions(at: now, parked: parked)
  }

  /// A session is done with everything up to an offset that it was given.
  /// - Throws: ``Failure`` with `invalid_parameters` if no session was ever given this one or one after it.
  mutating func acknowledged(
    by session: SessionKey, upTo offset: JournalOffset, at now: Timestamp
  ) throws(Failure) -> Actions {
    let highest = max(highestDelivered, position)
    guard offset <= highest else {
      throw Failure(
        .invalidParameters, "offset is \(offset), expected that of an event that was delivered, up to \(highest)")
    }
    guard let index = members.firstIndex(where: { $0.session == session }) else { return Actions() }
    while let oldest = members[index].held.first, oldest <= offset {
      members[index].held.removeFirst()
      finish(oldest)
    }
    return actions(at: now)
  }

  /// Time has passed. What is due is given again, or parked if that was done often enough.
  mutating func deadlineReached(at now: Timestamp) -> Actions {
    guard let next = nextDeadline, next <= now else { return Actions() }
    var parked: [ParkedRecord] = []
    for index in members.indices { takeBackDue(fromMember: index, parked: &parked, at: now) }
    sortWaiting()
    updateDeadline()
    return actions(at: now, parked: parked)
  }

  /// Takes from a session what is due, and what follows it in the order of its key.
  private mutating func takeBackDue(fromMember index: Int, parked: inout [ParkedRecord], at now: Timestamp) {
    var repeated: Set<EventKey> = []
    let held = members[index].held
    members[index].held = []
    for offset in held {
      let entry = entries[offset]!
      let isLast = entry.deliveries >= limits.maxDeliveries
      let follows = entry.record.key.map(repeated.contains) ?? false
      if entry.isDue(at: now) || (follows && !isLast) {
        if let key = entry.record.key, !isLast { repeated.insert(key) }
        takeBack(offset, parked: &parked, at: now)
      } else {
        members[index].held.append(offset)
      }
    }
  }

  /// A record is no longer with its session.
  private mutating func takeBack(_ offset: JournalOffset, parked: inout [ParkedRecord], at now: Timestamp) {
    let deliveries = entries[offset]!.deliveries
    if deliveries >= limits.maxDeliveries {
      finish(offset)
      parked.append(ParkedRecord(offset: offset, deliveries: deliveries, time: now.milliseconds))
    } else {
      entries[offset]!.state = .waiting
      waiting.append(offset)
      if let key = entries[offset]!.record.key { keys.takenBack(key) }
    }
  }

  /// A record is done with.
  private mutating func finish(_ offset: JournalOffset) {
    if let key = remove(offset).record.key { keys.takenBack(key) }
  }

  /// What was taken back belongs before what was never given out.
  private mutating func sortWaiting() {
    waiting = Deque(waiting.sorted())
  }

  /// Nobody is there: only what was given out already is held on to, with how often it was.
  private mutating func dropUntouched() {
    while let offset = waiting.last, entries[offset]!.deliveries == 0 {
      waiting.removeLast()
      _ = remove(offset)
      lookedAt = offset - 1
    }
  }

  private mutating func updateDeadline() {
    nextDeadline = entries.values.compactMap(\.deadline).min()
  }
}

extension ConsumerQueue.Entry {
  var deadline: Timestamp? {
    switch state {
    case .waiting: nil
    case .given(_, let deadline): deadline
    }
  }

  func isDue(at now: Timestamp) -> Bool { deadline.map { $0 <= now } ?? false }
}
