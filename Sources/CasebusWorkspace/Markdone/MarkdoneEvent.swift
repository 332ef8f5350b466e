package import CasebusProtocol
import struct NIOCore.ByteBuffer

/// An event about marking an interaction done (Protocol §8).
package struct MarkdoneEvent: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case blocked(MarkdoneBlock, timeoutMilliseconds: Int64)
    case unblocked(Blocker)
    case blockExpired(Blocker)
    case refused(warningMessage: String, remainingMilliseconds: Int64)
    /// The origin is nil for an event of an older journal.
    case done(by: Origin?)
  }

  /// The origin of a mark done.
  package enum Origin: String, CaseIterable, Hashable, Sendable {
    /// A request, without a standing block.
    case request
    /// A publish: it happened elsewhere, so blocks have no effect.
    case publish
  }

  package var kind: Kind
  package var interactionID: Identifier
  package var caseID: Identifier
}

extension MarkdoneEvent {
  /// Why the mark done failed with this event; nil if it succeeded.
  var refusal: Failure? {
    guard case .refused(let warningMessage, _) = kind else { return nil }
    return Failure(.markdoneBlocked, warningMessage)
  }

  /// The blocker whose block begins with this event.
  var placedBlocker: Blocker? {
    switch kind {
    case .blocked(let block, _): block.blocker
    case .unblocked, .blockExpired, .refused, .done: nil
    }
  }

  /// The blocker whose block ends with this event.
  var freedBlocker: Blocker? {
    switch kind {
    case .unblocked(let blocker), .blockExpired(let blocker): blocker
    case .blocked, .refused, .done: nil
    }
  }
}

// MARK: - As a domain's event

extension MarkdoneEvent: DomainEvent {
  enum RecordKind: String, CaseIterable {
    case blocked
    case unblocked
    case blockExpired
    case markdoneRefused
    case markedDone

    /// The `eventType` of Protocol §8.
    var eventType: String {
      switch self {
      case .blocked: "MARKDONE_BLOCKED"
      case .unblocked: "MARKDONE_UNBLOCKED"
      case .blockExpired: "MARKDONE_BLOCK_EXPIRED"
      case .markdoneRefused: "MARKDONE_REFUSED"
      case .markedDone: "MARKED_DONE"
      }
    }
  }

  var recordKind: RecordKind {
    switch kind {
    case .blocked: .blocked
    case .unblocked: .unblocked
    case .blockExpired: .blockExpired
    case .refused: .markdoneRefused
    case .done: .markedDone
    }
  }

  var name: EventName { .markdone }

  var key: EventKey? { .interaction(interactionID) }

  func writeData(into buffer: inout ByteBuffer) {
    buffer.beginJSONObject()
    buffer.writeJSONMember("eventType", recordKind.eventType)
    buffer.writeJSONMember("interactionId", interactionID.text)
    buffer.writeJSONMember("caseId", caseID.text)
    switch kind {
    case .blocked(let block, let timeout):
      buffer.writeJSONMember("warningMessage", block.warningMessage)
      buffer.writeJSONMember("timeout", timeout)
    case .refused(let warningMessage, let remaining):
      buffer.writeJSONMember("warningMessage", warningMessage)
      buffer.writeJSONMember("remaining", remaining)
    case .done(let origin):
      buffer.writeJSONMember("by", origin?.rawValue)
    case .unblocked, .blockExpired:
      break
    }
    buffer.endJSONObject()
  }

  /// The blocker and the deadline.
  func writeDetail(into buffer: inout ByteBuffer) {
    switch kind {
    case .blocked(let block, _):
      buffer.beginJSONObject()
      block.blocker.writeMember(into: &buffer)
      buffer.writeJSONMember("deadline", block.deadline.milliseconds)
      buffer.endJSONObject()
    case .unblocked(let blocker), .blockExpired(let blocker):
      buffer.beginJSONObject()
      blocker.writeMember(into: &buffer)
      buffer.endJSONObject()
    case .refused, .done: break
    }
  }

  init(_ stored: StoredEvent, as kind: RecordKind) throws(ReplayError) {
    self.init(
      kind: try Kind(stored, as: kind), interactionID: try stored.data.identifier("interactionId"),
      caseID: try stored.data.identifier("caseId"))
  }
}

extension MarkdoneEvent.Kind {
  fileprivate init(_ stored: StoredEvent, as kind: MarkdoneEvent.RecordKind) throws(ReplayError) {
    let (data, detail) = (stored.data, stored.detail)
    switch kind {
    case .blocked:
      let block = MarkdoneBlock(
        interactionID: try data.identifier("interactionId"), blocker: try Blocker(in: detail),
        warningMessage: try data.text("warningMessage"),
        deadline: Timestamp(milliseconds: try detail.integer("deadline")))
      self = .blocked(block, timeoutMilliseconds: try data.integer("timeout"))
    case .unblocked: self = .unblocked(try Blocker(in: detail))
    case .blockExpired: self = .blockExpired(try Blocker(in: detail))
    case .markdoneRefused:
      self = .refused(
        warningMessage: try data.text("warningMessage"), remainingMilliseconds: try data.integer("remaining"))
    case .markedDone: self = .done(by: data["by"]?.stringValue.flatMap(MarkdoneEvent.Origin.init(name:)))
    }
  }
}
