import CasebusJournal
import CasebusWorkspace
import DequeModule

/// Who gets what.
extension ConsumerQueue {
  /// Gives what waits to sessions, the oldest first, until they have as much as they may.
  mutating func giveOut(at now: Timestamp) -> [Delivery] {
    var deliveries: [Delivery] = []
    while !members.isEmpty, room > 0, unacknowledged < limits.maxUnacknowledged, let offset = waiting.popFirst() {
      room -= 1
      deliveries.append(give(offset, toMember: memberIndex(for: entries[offset]!.record.key), at: now))
    }
    return deliveries
  }

  private mutating func give(_ offset: JournalOffset, toMember index: Int, at now: Timestamp) -> Delivery {
    let session = members[index].session
    let deadline = now.advanced(byMilliseconds: limits.ackTimeoutMilliseconds)
    entries[offset]!.deliveries += 1
    entries[offset]!.state = .given(to: session, deadline: deadline)
    members[index].insert(offset)
    if let key = entries[offset]!.record.key { keys.given(key, to: session) }
    highestDelivered = max(highestDelivered, offset)
    nextDeadline = min(nextDeadline ?? deadline, deadline)
    return Delivery(session: session, record: entries[offset]!.record.record, number: entries[offset]!.deliveries)
  }

  /// The session that has the key, or else the one with the least to do.
  private mutating func memberIndex(for key: EventKey?) -> Int {
    if let session = key.flatMap({ keys.session(of: $0) }) {
      guard let index = members.firstIndex(where: { $0.session == session }) else {
        preconditionFailure("a key belongs to a session that left")
      }
      return index
    }
    turn &+= 1
    let start = Int(UInt(bitPattern: turn) % UInt(members.count))
    var best = start
    for step in 1..<members.count {
      let index = (start + step) % members.count
      if members[index].held.count < members[best].held.count { best = index }
    }
    return best
  }
}

extension ConsumerQueue.Member {
  /// What is given again lies before what came later.
  fileprivate mutating func insert(_ offset: JournalOffset) {
    var index = held.endIndex
    while index > held.startIndex, held[index - 1] > offset { index -= 1 }
    held.insert(offset, at: index)
  }
}
