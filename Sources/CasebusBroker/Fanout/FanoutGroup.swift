import CPrefetch
import CasebusProtocol
import NIOCore

/// All sessions of one event loop that want exactly the same events of the same workspace (Docs/internals/fan-out.md).
///
/// Events are appended once to one batch of bytes; each session gets the part after its cursor, as a slice of the same
/// memory. A session that must get an answer in between gets its part of the batch first.
final class FanoutGroup {
  let scope: WorkspaceScope
  let interest: Interest
  private var members: [Member] = []
  private var batch = ByteBuffer()
  /// Where the batch begins in the stream of all bytes that were ever appended to this group.
  private var batchStart: UInt64 = 0
  /// The members below this index have been served in this round.
  private var roundIndex = 0
  private var roundEnd: UInt64 = 0
  /// No round begins before this time; more events are appended meanwhile.
  private let rest: TimeAmount
  private(set) var restsUntil = NIODeadline.distantPast

  /// - Parameter rest: the pause after a round.
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

  /// The place of a session in its group.
  struct Membership {
    let group: FanoutGroup
    fileprivate var index: Int
  }

  /// All that serving a session needs, in one place, so that a round over thousands of them touches little memory.
  private struct Member {
    let session: Session
    let sink: any SessionSink
    /// The cursor: how far in the group's stream the session was served.
    var position: UInt64
  }

  private var end: UInt64 { batchStart + UInt64(batch.readableBytes) }

  /// The bytes in the batch.
  var gatheredBytes: Int { batch.readableBytes }

  /// Whether the batch is empty.
  var isEmpty: Bool { batch.readableBytes == 0 }

  /// Whether the group has no members.
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
  /// Adds a session; it gets the events appended from now on.
  func join(_ session: Session) {
    session.membership = Membership(group: self, index: members.count)
    members.append(Member(session: session, sink: session.sink, position: end))
  }

  /// Removes a session in O(1): others take its place, so that a running round misses nobody.
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

  /// The bytes after a member's cursor, which moves to the end; nil if there are none.
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
  /// The bytes after the session's cursor; nil if there are none.
  func takeUnsent() -> ByteBuffer? { group.takeUnsent(index) }

  /// The session skips the current batch.
  func skipToEnd() { group.skipToEnd(index) }
}

// MARK: - Rounds

extension FanoutGroup {
  /// Continues a round: serves every member up to the end of the batch. Events appended meanwhile go to the members still to
  /// come in this round, and to the others in the next one.
  /// - Parameter pace: decides when to pause.
  /// - Returns: whether the round is over; the batch can still have bytes then.
  func serveRound(_ pace: inout FanoutPace) -> Bool {
    if roundIndex == 0 { roundEnd = end }
    while roundIndex < members.count {
      guard pace.mayServe() else { return false }
      let index = roundIndex
      roundIndex += 1
      prefetchNext()
      // A write can end a session, which then leaves the group; its removal adjusts the index of the round.
      if let unsent = takeUnsent(index) { members[index].sink.send(unsent) }
    }
    roundIndex = 0
    dropServed()
    return true
  }

  /// A sink should have all that a write reads in its first bytes, as many as these (Docs/decisions/0011).
  private static var sinkBytesPrefetched: Int { 88 }

  /// Loads what the next write reads into the processor's cache while the kernel does this one. The writes of a round use so
  /// much of the cache that nothing of a session is left in it by its next turn.
  private func prefetchNext() {
    guard roundIndex < members.count else { return }
    members.withUnsafeBufferPointer { members in
      prefetch_for_write(
        Unmanaged.passUnretained(members[roundIndex].sink as AnyObject).toOpaque(), Self.sinkBytesPrefetched)
      // The address of that sink was read just now, so the member is prefetched before the sink.
      guard let first = members.baseAddress, roundIndex + 2 < members.count else { return }
      prefetch_for_write(first + roundIndex + 2, MemoryLayout<Member>.stride)
    }
  }

  /// A round is over: a group with a rest pauses.
  func rest(from now: NIODeadline) {
    if rest > .zero { restsUntil = now + rest }
  }

  private func dropServed() {
    if roundEnd == end {
      batch = ByteBuffer()
    } else {
      // A copy of the rest, so that the memory of the served bytes is freed.
      batch.moveReaderIndex(forwardBy: Int(roundEnd - batchStart))
      batch = ByteBuffer(bytes: batch.readableBytesView)
    }
    batchStart = roundEnd
  }
}

/// How long a fan-out runs before other work of the loop gets its turn. The clock is not read for every session.
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
