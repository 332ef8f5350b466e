import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import DequeModule

/// What sessions do: they come, acknowledge, and go.
extension ConsumerQueue {
  mutating func sessionJoined(_ session: SessionKey, at now: Timestamp) -> Actions {
    precondition(members[session] == nil, "a session joined its consumer twice")
    let isNext = (turn &+ members.count) % 2 != 0
    members[session] = Member()
    loads.set(session, to: 0, isNext: isNext)
    membersChanged()
    return actions(at: now)
  }

  /// A session is gone, or is no longer part of the consumer; one that never was is no matter. What it has not
  /// acknowledged is for others, without having been worked on.
  /// - Parameter work: what it was at when it ended; nil if it went in good order, or was at another workspace's event.
  mutating func sessionLeft(_ session: SessionKey, during work: Work? = nil, at now: Timestamp) -> Actions {
    guard members[session] != nil else { return Actions() }
    if let work, members[session]!.held.contains(work.offset) { sessionFailed(work, at: now) }
    takeEverything(from: session)
    members[session] = nil
    loads.remove(session)
    late.remove(session)
    idleLate.remove(session)
    if members.isEmpty { dropUntouched() } else { membersChanged() }
    return actions(at: now)
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
    guard members[session] != nil else { return Actions() }
    let done = members[session]!.held.acknowledge(upTo: offset)
    for offset in done { finish(offset) }
    for offset in members[session]!.lost.acknowledge(upTo: offset) { finishLost(offset) }
    if !done.isEmpty {
      restartTime(of: session, at: now)
      heldChanged(session)
    }
    if members[session]!.isLate { becamePrompt(session) }
    givePending(to: session, at: now)
    return actions(at: now)
  }

  /// The sessions that are prompt are others, or others in number.
  private mutating func membersChanged() {
    takeFromLate()
    freePending()
  }

  private mutating func becamePrompt(_ session: SessionKey) {
    members[session]!.isLate = false
    late.remove(session)
    idleLate.remove(session)
    loads.set(session, to: members[session]!.held.count)
    membersChanged()
  }

  /// A session ended while it worked on a record: perhaps because of it. That it never acknowledged anything tells a
  /// connection that broke, or somebody who only looked, from a worker; but not for ever, lest a record that ends every
  /// session at once is never parked.
  private mutating func sessionFailed(_ work: Work, at now: Timestamp) {
    let entry = entries[work.offset]!
    if work.hasAcknowledged || entry.failures > 0 || entry.spared >= limits.maxDeliveries - 1 {
      _ = count(work.offset, .sessionEnded, at: now)
    } else {
      entries[work.offset]!.spared += 1
    }
  }

  /// Nobody is there: only what was given out already is held on to, with how often it was.
  private mutating func dropUntouched() {
    let untouched = waiting.filter { entries[$0]!.isAgain && entries[$0]!.deliveries == 0 }
    for offset in untouched.reversed() {
      _ = remove(offset)
      again.prepend(offset)
    }
    if !untouched.isEmpty { waiting.removeAll { entries[$0] == nil } }
    while let offset = waiting.last, !entries[offset]!.isAgain, offset > highestDelivered {
      waiting.removeLast()
      while let newest = order.last, newest >= offset { order.removeLast() }
      _ = remove(offset)
      lookedAt = offset - 1
    }
  }
}

// MARK: - Being late

extension ConsumerQueue {
  /// Time has passed. Who has acknowledged nothing for too long is late: its oldest record counts as delivered in vain,
  /// and all that it has goes to those who are prompt. If nobody is, it is given that record again.
  mutating func deadlineReached(at now: Timestamp) -> Actions {
    var failed: [(session: SessionKey, offset: JournalOffset)] = []
    while let session = deadlines.first, let deadline = members[session]!.deadline, deadline <= now,
      let offset = members[session]!.held.first
    {
      becameLate(session)
      if count(offset, .ackTimeout, at: now) { failed.append((session, offset)) }
      if !members[session]!.held.isEmpty { restartTime(of: session, at: now) }
    }
    if loads.isEmpty {
      for (session, offset) in failed { giveAgain(offset, to: session) }
    } else {
      membersChanged()
    }
    return actions(at: now)
  }

  private mutating func becameLate(_ session: SessionKey) {
    guard !members[session]!.isLate else { return }
    members[session]!.isLate = true
    loads.remove(session)
    late.append(session)
  }

  /// Gives a session a record again that it has, and what it has of the same key after it.
  private mutating func giveAgain(_ offset: JournalOffset, to session: SessionKey) {
    deliver(offset, to: session)
    guard let key = entries[offset]!.record.key else { return }
    for later in members[session]!.held.offsets where later > offset && entries[later]!.record.key == key {
      deliver(later, to: session)
    }
  }

  /// While there are prompt sessions, those that are late have nothing.
  private mutating func takeFromLate() {
    guard !loads.isEmpty, late.count > idleLate.count else { return }
    for session in late.elements where !members[session]!.held.isEmpty {
      members[session]!.lost = members[session]!.held
      takeEverything(from: session)
      heldChanged(session)
    }
  }
}

// MARK: - Records and their sessions

extension ConsumerQueue {
  /// What a session has, and what waits for it, is for others.
  private mutating func takeEverything(from session: SessionKey) {
    freePending(of: session)
    let held = members[session]!.held.offsets
    members[session]!.held.removeAll()
    for offset in held { entries[offset]!.holder = nil }
    unacknowledged -= held.count
    keys.forget(session)
    deadlines.remove(session)
    putBack(held)
  }

  /// A record was delivered in vain. It is parked if that was once too often.
  /// - Returns: whether it still is to be delivered.
  private mutating func count(_ offset: JournalOffset, _ reason: ParkedRecord.Reason, at now: Timestamp) -> Bool {
    entries[offset]!.failures += 1
    guard entries[offset]!.failures >= limits.maxDeliveries else { return true }
    if let holder = entries[offset]!.holder {
      members[holder]!.held.remove(offset)
      heldChanged(holder)
    }
    let entry = release(offset)
    pendingActions.parked.append(
      ParkedRecord(offset: offset, deliveries: entry.deliveries, time: now.milliseconds, reason: reason))
    return false
  }

  /// A record is done with that its session no longer has in its list.
  private mutating func finish(_ offset: JournalOffset) {
    if release(offset).isAgain { pendingActions.unparked.append(offset) }
  }

  /// A late session has done after all what was taken from it, wherever that is now.
  private mutating func finishLost(_ offset: JournalOffset) {
    guard let entry = entries[offset] else { return }
    if let holder = entry.holder {
      members[holder]!.held.remove(offset)
      finish(offset)
      return heldChanged(holder)
    }
    freePending()
    waiting.removeAll { $0 == offset }
    finish(offset)
  }

  /// A record leaves the window.
  private mutating func release(_ offset: JournalOffset) -> Entry {
    let entry = remove(offset)
    if entry.holder != nil {
      unacknowledged -= 1
      if let key = entry.record.key { keys.takenBack(key) }
    }
    return entry
  }
}
