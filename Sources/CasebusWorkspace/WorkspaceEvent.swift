package import CasebusProtocol
package import struct NIOCore.ByteBuffer

/// A decision of the state machine, which is journaled and fanned out. The state of a workspace is the fold of
/// ``Workspace/evolve(_:at:)`` over its events.
///
/// One case for each domain, and one line for each in the members below: an existential value instead of the switches
/// would allocate memory for every event.
package enum WorkspaceEvent: Hashable, Sendable {
  case interaction(InteractionEvent)
  case caseChanged(CaseEvent)
  case markdone(MarkdoneEvent)
  case relayed(RelayedEvent)
}

extension WorkspaceEvent {
  /// The event name under which clients subscribe to it.
  package var name: EventName {
    switch self {
    case .interaction(let event): event.name
    case .caseChanged(let event): event.name
    case .markdone(let event): event.name
    case .relayed(let event): event.name
    }
  }

  /// The kind under which the journal stores the event. One of a closed set of short texts.
  package var kind: String {
    switch self {
    case .interaction(let event): event.recordKind.rawValue
    case .caseChanged(let event): event.recordKind.rawValue
    case .markdone(let event): event.recordKind.rawValue
    case .relayed(let event): event.recordKind.rawValue
    }
  }

  /// The key for durable consumers; nil if it has none.
  package var key: EventKey? {
    switch self {
    case .interaction(let event): event.key
    case .caseChanged(let event): event.key
    case .markdone(let event): event.key
    case .relayed(let event): event.key
    }
  }

  /// Appends the `data` of the envelope.
  package func writeData(into buffer: inout ByteBuffer) {
    switch self {
    case .interaction(let event): event.writeData(into: &buffer)
    case .caseChanged(let event): event.writeData(into: &buffer)
    case .markdone(let event): event.writeData(into: &buffer)
    case .relayed(let event): event.writeData(into: &buffer)
    }
  }

  /// Appends what a replay needs beyond the kind and the `data`, as a JSON object; nothing for most events.
  package func writeDetail(into buffer: inout ByteBuffer) {
    switch self {
    case .interaction(let event): event.writeDetail(into: &buffer)
    case .caseChanged(let event): event.writeDetail(into: &buffer)
    case .markdone(let event): event.writeDetail(into: &buffer)
    case .relayed(let event): event.writeDetail(into: &buffer)
    }
  }

  /// The failure of the command of this event; nil if it succeeded.
  package var refusal: Failure? {
    guard case .markdone(let event) = self else { return nil }
    return event.refusal
  }

  /// The blocker whose markdone block begins with this event; nil if none does.
  package var placedBlocker: Blocker? {
    guard case .markdone(let event) = self else { return nil }
    return event.placedBlocker
  }
}

extension WorkspaceEvent {
  /// Reads a stored event.
  /// - Parameters:
  ///   - name: the event name.
  ///   - kind: its ``kind``; empty in journals before schema 4.
  ///   - data: what ``writeData(into:)`` wrote.
  ///   - detail: what ``writeDetail(into:)`` wrote.
  package init(
    replaying name: EventName, kind: String, data: ByteBuffer, detail: ByteBuffer
  ) throws(ReplayError) {
    let stored = try StoredEvent(name, kind: kind, data: data, detail: detail)
    if let event = try InteractionEvent(replaying: stored) {
      self = .interaction(event)
    } else if let event = try CaseEvent(replaying: stored) {
      self = .caseChanged(event)
    } else if let event = try MarkdoneEvent(replaying: stored) {
      self = .markdone(event)
    } else if let event = try RelayedEvent(replaying: stored) {
      self = .relayed(event)
    } else {
      throw ReplayError("no event is of the kind \"\(stored.kind)\"")
    }
  }
}
