import CasebusProtocol
import NIOCore

/// The fan-out of one event loop: which sessions want what, and what they get in this tick.
///
/// An event is appended once per group that wants it; ``flush()`` gives each member of each touched group one write.
final class FanoutShard {
  private var groups: [WorkspaceScope: [Set<EventName>: FanoutGroup]] = [:]
  private var touchedGroups: [FanoutGroup] = []
  private var touchedSessions: [Session] = []

  /// Moves a session to the group that wants these events; none if the set is empty.
  func update(_ session: Session, wanted: Set<EventName>) {
    guard session.membership?.group.wanted ?? [] != wanted else { return }
    remove(session)
    guard !wanted.isEmpty else { return }
    group(session.scope, wanted).join(session)
  }

  /// Takes a session out of its group; what it was due is given to it first.
  func remove(_ session: Session) {
    guard let group = session.membership?.group else { return }
    session.writeUnsent()
    group.leave(session)
    guard group.members.isEmpty else { return }
    groups[group.scope]?[group.wanted] = nil
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

  /// Ends the tick: one write of the shared bytes to each member of each touched group.
  func flush() {
    for group in touchedGroups {
      // A write can end a session and so change the members; this loop goes on over those of its beginning.
      for session in group.members { session.sendUnsent() }
      group.startBatch()
    }
    touchedGroups.removeAll(keepingCapacity: true)
    for session in touchedSessions { session.endTick() }
    touchedSessions.removeAll(keepingCapacity: true)
  }

  private func append(_ frame: ByteBuffer, of name: EventName, to scope: WorkspaceScope, excluding excluded: Session?) {
    guard let candidates = groups[scope] else { return }
    for group in candidates.values where group.wanted.contains(name) {
      if group.batch.readableBytes == 0 { touchedGroups.append(group) }
      let excludedMember = excluded?.membership?.group === group ? excluded : nil
      excludedMember?.writeUnsent()
      group.append(frame)
      excludedMember?.membership?.skipToEnd()
    }
  }

  private func group(_ scope: WorkspaceScope, _ wanted: Set<EventName>) -> FanoutGroup {
    if let group = groups[scope]?[wanted] { return group }
    let group = FanoutGroup(scope: scope, wanted: wanted)
    groups[scope, default: [:]][wanted] = group
    return group
  }
}

@available(*, unavailable)
extension FanoutShard: Sendable {}
