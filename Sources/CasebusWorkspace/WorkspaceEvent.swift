package import CasebusProtocol
package import struct NIOCore.ByteBuffer

/// What the state machine decided: what is journaled and fanned out. The state of a workspace is the fold of
/// ``Workspace/evolve(_:at:)`` over its events.
///
/// One case for each domain, and in each question below one line for each: an existential value in place of the switches
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

  /// What the journal stores beside the event, to know it again. One of a closed set of short texts.
  package var kind: String {
    switch self {
    case .interaction(let event): event.recordKind.rawValue
    case .caseChanged(let event): event.recordKind.rawValue
    case .markdone(let event): event.recordKind.rawValue
    case .relayed(let event): event.recordKind.rawValue
    }
  }

  /// What the event belongs to; nil if it belongs to nothing.
  package var key: EventKey? {
    switch self {
    case .interaction(let event): event.key
    case .caseChanged(let event): event.key
    case .markdone(let event): event.key
    case .relayed(let event): event.key
    }
  }

  /// Appends the `data` of the envelope as clients see it.
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

  /// Why the command that led to this event was nevertheless not carried out; nil if it was.
  package var refusal: Failure? {
    guard case .markdone(let event) = self else { return nil }
    return event.refusal
  }

  /// Whose markdone block begins with this event; nil if none does.
  package var placedBlocker: Blocker? {
    guard case .markdone(let event) = self else { return nil }
    return event.placedBlocker
  }
}

extension WorkspaceEvent {
  /// Reads an event as it was stored.
  /// - Parameters:
  ///   - name: the event name.
  ///   - kind: what ``kind`` was; empty in a journal file of before schema 4.
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
