import CasebusProtocol
import DequeModule
import NIOCore

/// The fan-out of one event loop: which sessions want which events, and their output in this tick.
///
/// An event is appended once per group that wants it; ``flush(at:sliceNanoseconds:)`` gives each member of each touched group
/// one write.
final class FanoutShard {
  private let deflater: FrameDeflater
  private var groups: [WorkspaceScope: [FanoutGroup.Interest: FanoutGroup]] = [:]
  private var touchedGroups: Deque<FanoutGroup> = []
  /// Touched, too, but served so recently that they pause; sorted by the end of the pause.
  private var restingGroups: Deque<FanoutGroup> = []
  private var touchedSessions: [Session] = []
  private let monitorRest: TimeAmount
  private let bytesMax: Int
  /// The bytes in the batches of all groups.
  private var gatheredBytes = 0

  /// Whether nothing may be appended until some bytes were sent.
  var isFull: Bool { gatheredBytes >= bytesMax }

  /// - Parameter monitorRest: how long monitors wait after a write for the next one. They see the events of all
  ///   workspaces: one write for each of thousands of workspaces costs the kernel many times what one write for the
  ///   events of a millisecond does (Docs/internals/fan-out.md).
  /// - Parameter bytesMax: `fanoutBytesMax` of `registry/limits.json`.
  init(deflater: FrameDeflater, monitorRest: TimeAmount, bytesMax: Int) {
    self.deflater = deflater
    self.bytesMax = bytesMax
    self.monitorRest = monitorRest
  }

  /// Moves a session to the group that wants these events; none if the set is empty.
  func update(_ session: Session, wanted: Set<EventName>) {
    let interest = FanoutGroup.Interest(
      names: wanted, encoding: session.encoding, wantsPositions: session.wantsPositions)
    if let present = session.membership?.group.interest { guard present != interest else { return } }
    remove(session)
    // The write may have ended the session.
    guard !wanted.isEmpty, session.isOpen else { return }
    group(session.scope, interest).join(session)
  }

  /// Takes a session out of its group, after its part of the batch was written to it.
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
  func deliver(_ event: EncodedEvent, of workspace: WorkspaceID, excluding excluded: Session?) {
    guard !groups.isEmpty else { return }
    append(event.name, to: .workspace(workspace), excluding: excluded) { event.frame(withPosition: $0) }
    append(event.name, to: .all, excluding: excluded) { event.monitorFrame(withPosition: $0) }
  }

  /// Remembers a session that was written to outside of its group, so that ``flush()`` sends it.
  func touch(_ session: Session) {
    touchedSessions.append(session)
  }

  enum OnFlush: Equatable {
    /// Everything was sent.
    case done
    /// The time slice is over: call again soon, after other work.
    case sliceOver
    /// The remaining groups pause until this time.
    case resting(until: NIODeadline)
  }

  /// Ends the tick: answers first, then one write of the shared bytes to each member of each touched group.
  /// - Parameters:
  ///   - now: the event loop's clock.
  ///   - sliceNanoseconds: the time slice, so that a large fan-out does not delay other work.
  func flush(at now: NIODeadline, sliceNanoseconds: Int64) -> OnFlush {
    for session in touchedSessions { session.endTick() }
    touchedSessions.removeAll(keepingCapacity: true)
    wakeGroups(at: now)
    var pace = FanoutPace(until: .now() + .nanoseconds(sliceNanoseconds))
    guard serveGroups(at: now, &pace) else { return .sliceOver }
    // Serving groups can end sessions and so touch others.
    guard touchedSessions.isEmpty else { return .sliceOver }
    return restingGroups.first.map { .resting(until: $0.restsUntil) } ?? .done
  }

  private func wakeGroups(at now: NIODeadline) {
    while let group = restingGroups.first, group.restsUntil <= now {
      touchedGroups.append(restingGroups.removeFirst())
    }
  }

  /// - Returns: whether every group that does not rest was served.
  private func serveGroups(at now: NIODeadline, _ pace: inout FanoutPace) -> Bool {
    while let group = touchedGroups.first {
      guard group.restsUntil <= now else {
        restingGroups.append(touchedGroups.removeFirst())
        continue
      }
      let before = group.gatheredBytes
      let isOver = group.serveRound(&pace)
      gatheredBytes -= before - group.gatheredBytes
      guard isOver else { return false }
      group.rest(from: now)
      touchedGroups.removeFirst()
      // Members that were served early get later events after the other groups had their turn.
      if !group.isEmpty { touchedGroups.append(group) }
    }
    return true
  }

  private func append(
    _ name: EventName, to scope: WorkspaceScope, excluding excluded: Session?,
    frame: (_ withPosition: Bool) -> TextFrame?
  ) {
    guard let candidates = groups[scope] else { return }
    var deflated: [FanoutGroup.Variant: ByteBuffer] = [:]
    for group in candidates.values where group.interest.names.contains(name) {
      let variant = group.interest.variant
      guard let frame = frame(variant.hasPosition) else { continue }
      append(bytes(of: frame, variant, &deflated), to: group, excluding: excluded)
    }
  }

  /// - Parameter deflated: what the event was deflated to already.
  private func bytes(
    of frame: TextFrame, _ variant: FanoutGroup.Variant, _ deflated: inout [FanoutGroup.Variant: ByteBuffer]
  ) -> ByteBuffer {
    switch variant.encoding {
    case .plain: return frame.bytes
    case .deflated:
      let bytes = deflated[variant] ?? deflater.bytes(of: frame, variant.encoding)
      deflated[variant] = bytes
      return bytes
    }
  }

  private func append(_ bytes: ByteBuffer, to group: FanoutGroup, excluding excluded: Session?) {
    if group.isEmpty { touchedGroups.append(group) }
    let excludedMember = excluded?.membership?.group === group ? excluded : nil
    excludedMember?.writeUnsent()
    group.append(bytes)
    gatheredBytes += bytes.readableBytes
    excludedMember?.membership?.skipToEnd()
  }

  private func group(_ scope: WorkspaceScope, _ interest: FanoutGroup.Interest) -> FanoutGroup {
    if let group = groups[scope]?[interest] { return group }
    let group = FanoutGroup(scope: scope, interest: interest, rest: scope == .all ? monitorRest : .zero)
    groups[scope, default: [:]][interest] = group
    return group
  }
}

@available(*, unavailable)
extension FanoutShard: Sendable {}
