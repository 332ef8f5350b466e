package import CasebusProtocol
import struct NIOCore.ByteBuffer

/// Prevents a mark done of an interaction until it is lifted or its deadline has passed.
package struct MarkdoneBlock: Hashable, Sendable {
  package var interactionID: Identifier
  package var blocker: Blocker
  /// The text for an agent who tries to mark it done.
  package var warningMessage: String
  package var deadline: Timestamp
}

/// The owner of a block: a named client, which outlives its sessions, or one anonymous session.
package enum Blocker: Hashable, Sendable {
  case client(Identifier)
  case session(Identifier)
}

// MARK: - Size

extension MarkdoneBlock {
  /// The length as JSON in a snapshot; numbers count with their longest values.
  var byteCount: Int {
    let id =
      switch blocker {
      case .client(let id), .session(let id): id
      }
    return Self.fixedBytes + interactionID.text.jsonByteCount + id.text.jsonByteCount + warningMessage.jsonByteCount
  }

  private static let fixedBytes = #"{"interactionId":,"session":,"warningMessage":,"deadline":-9223372036854775808},"#
    .utf8.count
}

// MARK: - Snapshot

extension MarkdoneBlock {
  func writeSnapshot(into buffer: inout ByteBuffer) {
    buffer.beginJSONObject()
    buffer.writeJSONMember("interactionId", interactionID.text)
    blocker.writeMember(into: &buffer)
    buffer.writeJSONMember("warningMessage", warningMessage)
    buffer.writeJSONMember("deadline", deadline.milliseconds)
    buffer.endJSONObject()
  }

  init(snapshot: JSONValue) throws(ReplayError) {
    self.init(
      interactionID: try snapshot.identifier("interactionId"), blocker: try Blocker(in: snapshot),
      warningMessage: try snapshot.text("warningMessage"),
      deadline: Timestamp(milliseconds: try snapshot.integer("deadline")))
  }
}

extension Blocker {
  func writeMember(into buffer: inout ByteBuffer) {
    switch self {
    case .client(let id): buffer.writeJSONMember("client", id.text)
    case .session(let id): buffer.writeJSONMember("session", id.text)
    }
  }

  /// Reads what ``writeMember(into:)`` wrote.
  init(in members: JSONValue) throws(ReplayError) {
    if let id = members["client"]?.stringValue {
      self = .client(Identifier(id))
    } else if let id = members["session"]?.stringValue {
      self = .session(Identifier(id))
    } else {
      throw ReplayError("a block does not say whose it is")
    }
  }
}
