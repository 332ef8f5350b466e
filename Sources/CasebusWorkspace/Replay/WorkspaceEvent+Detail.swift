import CasebusProtocol
package import struct NIOCore.ByteBuffer

/// What a replay needs of an event beyond the `data` that clients see. Small, and nothing at all for most events.
extension WorkspaceEvent {
  /// Appends the detail as a JSON object; nothing if `data` says it all.
  package func writeDetail(into buffer: inout ByteBuffer) {
    switch self {
    case .interactionChanged(let interaction): buffer.writeUUIDDetail(of: interaction)
    case .userDataChanged(let interaction, _):
      buffer.beginJSONObject()
      buffer.writeJSONMember("isUserData", true)
      if interaction.hidesMissingUUID { buffer.writeJSONMember("interactionUUID", .null) }
      buffer.endJSONObject()
    case .markdone(let event): buffer.writeBlockDetail(of: event.kind)
    case .caseChanged, .relayed: break
    }
  }
}

extension Interaction {
  /// Clients see the `callUuid` in place of an `interactionUUID` that there is none of.
  var hidesMissingUUID: Bool { interactionUUID == nil && callUUID != nil }
}

extension ByteBuffer {
  fileprivate mutating func writeUUIDDetail(of interaction: Interaction) {
    guard interaction.hidesMissingUUID else { return }
    writeStaticString(#"{"interactionUUID":null}"#)
  }

  fileprivate mutating func writeBlockDetail(of kind: MarkdoneEvent.Kind) {
    switch kind {
    case .blocked(let block, _):
      beginJSONObject()
      writeBlocker(block.blocker)
      writeJSONMember("deadline", block.deadline.milliseconds)
      endJSONObject()
    case .unblocked(let blocker), .blockExpired(let blocker):
      beginJSONObject()
      writeBlocker(blocker)
      endJSONObject()
    case .refused, .done: break
    }
  }

  /// Appends whose block it is, as a member.
  mutating func writeBlocker(_ blocker: Blocker) {
    switch blocker {
    case .client(let id): writeJSONMember("client", id.text)
    case .session(let id): writeJSONMember("session", id.text)
    }
  }
}

extension Blocker {
  /// Reads what ``ByteBuffer/writeBlocker(_:)`` wrote.
  init?(in members: JSONValue) {
    if let id = members["client"]?.stringValue {
      self = .client(Identifier(id))
    } else if let id = members["session"]?.stringValue {
      self = .session(Identifier(id))
    } else {
      return nil
    }
  }
}
