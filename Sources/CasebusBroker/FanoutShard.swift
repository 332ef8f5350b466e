import CasebusProtocol
import DequeModule
import NIOCore

/// The fan-out of one event loop: which sessions want what, and what they get in this tick.
///
/// An event is appended once per group that wants it; ``flush(until:)`` gives each member of each touched group one write.
final class FanoutShard {
  private let deflater: FrameDeflater
  private var groups: [WorkspaceScope: [FanoutGroup.Interest: FanoutGroup]] = [:]
  private var touchedGroups: Deque<FanoutGroup> = []
  private var touchedSessions: [Session] = []

  init(deflater: FrameDeflater) {
    self.deflater = deflater
  }

  /// Moves a session to the group that wants these events; none if the set is empty.
  func update(_ session: Session, wanted: Set<EventName>) {
    guard session.membership?.group.interest.names ?? [] != wanted else { return }
    remove(session)
    guard !wanted.isEmpty else { return }
    group(session.scope, FanoutGroup.Interest(names: wanted, encoding: session.encoding)).join(session)
  }

  /// Takes a session out of its group; what it was due is given to it first.
  func remove(_ session: Session) {
    guard let group = session.membership?.group else { return }
    session.writeUnsent()
    group.leave(session)
    guard group.hasNoMembers else { return }
    groups[group.scope]?[group.interest] = nil
    if groups[group.scope]?.isEmpty == true { groups[group.scope] = nil }
  }

  /// Appends an event to the batches of all groups that want it.
  /// - Parameter excluded: a session of this loop that does not get it.
  func deliver(_ event: EncodedEvent, excluding excluded: Session?) {
    append(event.frame, of: event.name, to: .workspace(event.workspace), excluding: excluded)
    if let frame = event.monitorFrame { append(frame, of: event.name, to: .all, excluding: nil) }
  }

  /// Remembers a session that was written to outside of its group, so that ``flush()`` sends it.
  func touch(_ session: Session) {
    touchedSessions.append(session)
  }

  /// Ends the tick: answers first, then one write of the shared bytes to each member of each touched group.
  /// - Parameter deadline: when to stop for now, so that other work is not kept waiting by a large fan-out.
  /// - Returns: whether everything was sent. If not, this is to be called again soon.
  func flush(until deadline: NIODeadline) -> Bool {
    for session in touchedSessions { session.endTick() }
    touchedSessions.removeAll(keepingCapacity: true)
    while let group = touchedGroups.first {
      guard group.serve(until: deadline) else { return false }
      touchedGroups.removeFirst()
    }
    // Serving groups can end sessions and so touch others.
    return touchedSessions.isEmpty
  }

  private func append(_ frame: TextFrame, of name: EventName, to scope: WorkspaceScope, excluding excluded: Session?) {
    guard let candidates = groups[scope] else { return }
    var encoded: [MessageEncoding: ByteBuffer] = [.plain: frame.bytes]
    for group in candidates.values where group.interest.names.contains(name) {
      let encoding = group.interest.encoding
      let bytes = encoded[encoding] ?? deflater.bytes(of: frame, encoding)
      encoded[encoding] = bytes
      append(bytes, to: group, excluding: excluded)
    }
  }

  private func append(_ bytes: ByteBuffer, to group: FanoutGroup, excluding excluded: Session?) {
    if group.isEmpty { touchedGroups.append(group) }
    let excludedMember = excluded?.membership?.group === group ? excluded : nil
    excludedMember?.writeUnsent()
    group.append(bytes)
    excludedMember?.membership?.skipToEnd()
  }

  private func group(_ scope: WorkspaceScope, _ interest: FanoutGroup.Interest) -> FanoutGroup {
    if let group = groups[scope]?[interest] { return group }
    let group = FanoutGroup(scope: scope, interest: interest)
    groups[scope, default: [:]][interest] = group
    return group
  }
}

@available(*, unavailable)
extension FanoutShard: Sendable {}
