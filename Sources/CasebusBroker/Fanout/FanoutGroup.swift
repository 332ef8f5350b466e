import CPrefetch
import CasebusProtocol
import NIOCore

/// All sessions of one event loop that want exactly the same events of the same workspace (Docs/internals/fan-out.md).
///
/// What they are to get is gathered once, in one batch of bytes; each of them is given the part that it was not given
/// yet, as a slice of the same memory. A session that must be told something else in between takes its part first.
final class FanoutGroup {
  let scope: WorkspaceScope
  let interest: Interest
  private var members: [Member] = []
  private var batch = ByteBuffer()
  /// Where the batch begins in the stream of everything that this group ever gathered.
  private var batchStart: UInt64 = 0
  /// The members below this index were given what there was when the round began.
  private var roundIndex = 0
  private var roundEnd: UInt64 = 0
  /// No round is begun before; more is gathered meanwhile.
  private let rest: TimeAmount
  private(set) var restsUntil = NIODeadline.distantPast

  /// - Parameter rest: how long the members wait after a round.
  init(scope: WorkspaceScope, interest: Interest, rest: TimeAmount) {
    self.rest = rest
    self.scope = scope
    self.interest = interest
  }

  /// What the sessions of a group have in common: the events they want, and how they want them.
  struct Interest: Hashable {
    var names: Set<EventName>
    var encoding: MessageEncoding
    var wantsPositions: Bool

    var variant: Variant { Variant(encoding: encoding, hasPosition: wantsPositions) }
  }

  /// The form in which an event is encoded for a group; all groups with the same one share the bytes.
  struct Variant: Hashable {
    var encoding: MessageEncoding
    var hasPosition: Bool
  }

  /// Where a session stands in its group.
  struct Membership {
    let group: FanoutGroup
    fileprivate var index: Int
  }

  /// What serving a session takes, in one place, so that a round over thousands of them touches little memory.
  private struct Member {
    let session: Session
    let sink: any SessionSink
    /// How far in the group's stream the session was given it.
    var position: UInt64
  }

  private var end: UInt64 { batchStart + UInt64(batch.readableBytes) }

  /// How much is waiting to be given to members.
  var gatheredBytes: Int { batch.readableBytes }

  /// Whether nothing is.
  var isEmpty: Bool { batch.readableBytes == 0 }

  /// Whether nobody wants the events any more.
  var hasNoMembers: Bool { members.isEmpty }

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
    session.membership = Membership(group: self, index: members.count)
    members.append(Member(session: session, sink: session.sink, position: end))
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
    members[target].session.membership?.index = target
  }

  /// The bytes that a member was not given yet, which then count as given; nil if there are none.
  fileprivate func takeUnsent(_ index: Int) -> ByteBuffer? {
    let position = members[index].position
    guard position < end else { return nil }
    members[index].position = end
    guard position > batchStart else { return batch }
    let offset = Int(position - batchStart)
    return batch.getSlice(at: batch.readerIndex + offset, length: batch.readableBytes - offset)
  }

  fileprivate func skipToEnd(_ index: Int) {
    members[index].position = end
  }
}

extension FanoutGroup.Membership {
  /// The bytes of the group that the session was not given yet; nil if there are none.
  func takeUnsent() -> ByteBuffer? { group.takeUnsent(index) }

  /// The session is not given what the group has gathered so far.
  func skipToEnd() { group.skipToEnd(index) }
}

// MARK: - Rounds

extension FanoutGroup {
  /// Goes on with a round: gives every member what it was not given yet. What is appended meanwhile is for those who are
  /// still to come in this round, and in the next one for the others.
  /// - Parameter pace: says when to stop for now.
  /// - Returns: whether the round is over; the group may still not be empty then.
  func serveRound(_ pace: inout FanoutPace) -> Bool {
    if roundIndex == 0 { roundEnd = end }
    while roundIndex < members.count {
      guard pace.mayServe() else { return false }
      let index = roundIndex
      roundIndex += 1
      prefetchNext()
      // A write can end a session, which then leaves the group; the index of the round is kept right.
      if let unsent = takeUnsent(index) { members[index].sink.send(unsent) }
    }
    roundIndex = 0
    dropServed()
    return true
  }

  /// What a sink looks at with every write should be in its first bytes, as many as these.
  private static var sinkBytesPrefetched: Int { 88 }

  /// Brings what the next write looks at into the processor's cache while the kernel does this one. The writes of a round
  /// take so much of the cache that nothing of a session is in it when its turn comes again.
  private func prefetchNext() {
    guard roundIndex < members.count else { return }
    members.withUnsafeBufferPointer { members in
      prefetch_for_write(
        Unmanaged.passUnretained(members[roundIndex].sink as AnyObject).toOpaque(), Self.sinkBytesPrefetched)
      // Where that sink is was read just now, so the member is fetched earlier than the sink.
      guard let first = members.baseAddress, roundIndex + 2 < members.count else { return }
      prefetch_for_write(first + roundIndex + 2, MemoryLayout<Member>.stride)
    }
  }

  /// A round is over: members that rest get no other one for a moment.
  func rest(from now: NIODeadline) {
    if rest > .zero { restsUntil = now + rest }
  }

  private func dropServed() {
    if roundEnd == end {
      batch = ByteBuffer()
    } else {
      // A copy of what is left, so that the memory of what was served is given back.
      batch.moveReaderIndex(forwardBy: Int(roundEnd - batchStart))
      batch = ByteBuffer(bytes: batch.readableBytesView)
    }
    batchStart = roundEnd
  }
}

/// How long a fan-out goes on before other work of the loop gets its turn. The clock is not looked at for every session.
struct FanoutPace {
  private static var sessionsPerLook: Int { 32 }

  private let deadline: NIODeadline
  private var served = 0

  init(until deadline: NIODeadline) {
    self.deadline = deadline
  }

  mutating func mayServe() -> Bool {
    served += 1
    return served % Self.sessionsPerLook != 0 || NIODeadline.now() < deadline
  }
}

@available(*, unavailable)
extension FanoutGroup: Sendable {}
