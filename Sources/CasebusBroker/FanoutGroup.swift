import CasebusProtocol
import NIOCore

/// All sessions of one event loop that want exactly the same events of the same workspace (DESIGN §1).
///
/// What they are to get is gathered once, in one batch of bytes; each of them is given the part that it was not given
/// yet, as a slice of the same memory. A session that must be told something else in between takes its part first.
final class FanoutGroup {
  let scope: WorkspaceScope
  let interest: Interest
  private(set) var members: [Session] = []
  private var batch = ByteBuffer()
  /// Where the batch begins in the stream of everything that this group ever gathered.
  private var batchStart: UInt64 = 0
  /// The members below this index were given what there was when the round began.
  private var roundIndex = 0
  private var roundEnd: UInt64 = 0

  init(scope: WorkspaceScope, interest: Interest) {
    self.scope = scope
    self.interest = interest
  }

  /// What the sessions of a group have in common: the events they want, and how they want them.
  struct Interest: Hashable {
    var names: Set<EventName>
    var encoding: MessageEncoding
  }

  /// Where a session stands in its group.
  struct Membership {
    let group: FanoutGroup
    fileprivate var index: Int
    /// How far in the group's stream the session was given it.
    fileprivate var position: UInt64
  }

  private var end: UInt64 { batchStart + UInt64(batch.readableBytes) }

  /// Whether nothing is waiting to be given to members.
  var isEmpty: Bool { batch.readableBytes == 0 }

  /// Bytes that wait to be given to members.
  var batchBytes: Int { batch.readableBytes }

  func append(_ frame: ByteBuffer) {
    if batch.readableBytes == 0 {
      // Most ticks have one event: its bytes are the batch, and nothing is copied.
      batch = frame
    } else {
      batch.writeImmutableBuffer(frame)
    }
  }
}

// MARK: - Members

extension FanoutGroup {
  /// Adds a session; it gets what is appended from now on.
  func join(_ session: Session) {
    session.membership = Membership(group: self, index: members.count, position: end)
    members.append(session)
  }

  /// Removes a session in O(1): others take its place, so that a round that is going on misses nobody.
  func leave(_ session: Session) {
    guard var hole = session.membership?.index else { return }
    session.membership = nil
    if hole < roundIndex {
      roundIndex -= 1
      move(from: roundIndex, to: hole)
      hole = roundIndex
    }
    move(from: members.count - 1, to: hole)
    members.removeLast()
  }

  private func move(from source: Int, to target: Int) {
    guard source != target else { return }
    members[target] = members[source]
    members[target].membership?.index = target
  }
}

extension FanoutGroup.Membership {
  /// The bytes of the group that the session was not given yet; nil if there are none.
  mutating func takeUnsent() -> ByteBuffer? {
    let end = group.end
    guard position < end else { return nil }
    let offset = Int(position - group.batchStart)
    position = end
    return group.batch.getSlice(at: group.batch.readerIndex + offset, length: group.batch.readableBytes - offset)
  }

  /// The session is not given what the group has gathered so far.
  mutating func skipToEnd() {
    position = group.end
  }
}

// MARK: - Rounds

extension FanoutGroup {
  /// How many members are served between two looks at the clock.
  private static var membersPerLook: Int { 32 }

  /// Gives every member what it was not given yet: a round. What is appended while it goes on is for those who are still
  /// to come in this round, and in the next one for the others.
  /// - Parameter deadline: when to stop for now.
  /// - Returns: whether everybody has everything.
  func serve(until deadline: NIODeadline) -> Bool {
    while true {
      if roundIndex == 0 { roundEnd = end }
      guard serveRound(until: deadline) else { return false }
      roundIndex = 0
      dropServed()
      if isEmpty { return true }
    }
  }

  private func serveRound(until deadline: NIODeadline) -> Bool {
    while roundIndex < members.count {
      // A write can end a session, which then leaves the group; the index is kept right.
      let session = members[roundIndex]
      roundIndex += 1
      session.sendUnsent()
      if roundIndex % Self.membersPerLook == 0, NIODeadline.now() >= deadline { return roundIndex >= members.count }
    }
    return true
  }

  private func dropServed() {
    if roundEnd == end {
      batch = ByteBuffer()
    } else {
      batch.moveReaderIndex(forwardBy: Int(roundEnd - batchStart))
    }
    batchStart = roundEnd
  }
}

@available(*, unavailable)
extension FanoutGroup: Sendable {}
