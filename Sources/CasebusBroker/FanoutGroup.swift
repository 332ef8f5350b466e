import CasebusProtocol
import NIOCore

/// All sessions of one event loop that want exactly the same events of the same workspace (DESIGN §1).
///
/// What they are to get in one tick is gathered once, in ``batch``; at the end of the tick each of them is given the same
/// bytes. A session that must be told something else in between first takes the part of the batch that came before it.
final class FanoutGroup {
  let scope: WorkspaceScope
  let interest: Interest
  private(set) var members: [Session] = []
  /// The frames of this tick.
  private(set) var batch = ByteBuffer()
  /// Which tick's batch this is; a member's position counts only for the same number.
  private(set) var batchNumber: UInt64 = 0

  /// What the sessions of a group have in common: the events they want, and how they want them.
  struct Interest: Hashable {
    var names: Set<EventName>
    var encoding: MessageEncoding
  }

  init(scope: WorkspaceScope, interest: Interest) {
    self.scope = scope
    self.interest = interest
  }

  /// Where a session stands in its group.
  struct Membership {
    let group: FanoutGroup
    fileprivate(set) var index: Int
    private var batchNumber: UInt64
    private var position: Int

    fileprivate init(group: FanoutGroup, index: Int) {
      self.group = group
      self.index = index
      batchNumber = group.batchNumber
      position = group.batch.readableBytes
    }

    /// The bytes of the current batch that the session was not given yet; nil if there are none.
    mutating func takeUnsent() -> ByteBuffer? {
      let start = batchNumber == group.batchNumber ? position : 0
      let end = group.batch.readableBytes
      skipToEnd()
      guard start < end else { return nil }
      return group.batch.getSlice(at: group.batch.readerIndex + start, length: end - start)
    }

    /// The session is not given what the batch holds so far.
    mutating func skipToEnd() {
      batchNumber = group.batchNumber
      position = group.batch.readableBytes
    }
  }

  /// Adds a session; it gets what is appended from now on.
  func join(_ session: Session) {
    session.membership = Membership(group: self, index: members.count)
    members.append(session)
  }

  /// Removes a session in O(1): the last one takes its place.
  func leave(_ session: Session) {
    guard let index = session.membership?.index else { return }
    session.membership = nil
    let last = members.removeLast()
    guard last !== session else { return }
    members[index] = last
    last.membership?.index = index
  }

  func append(_ frame: ByteBuffer) {
    if batch.readableBytes == 0 {
      // Most ticks have one event: its bytes are the batch, and nothing is copied.
      batch = frame
    } else {
      batch.writeImmutableBuffer(frame)
    }
  }

  /// Begins the batch of another tick.
  func startBatch() {
    batch = ByteBuffer()
    batchNumber += 1
  }
}

@available(*, unavailable)
extension FanoutGroup: Sendable {}
