package import CasebusProtocol
import struct NIOCore.ByteBuffer

/// Keeps an interaction from being marked done until it is lifted or its deadline has come.
package struct MarkdoneBlock: Hashable, Sendable {
  package var interactionID: Identifier
  package var blocker: Blocker
  /// What the agent is told who tries to mark it done.
  package var warningMessage: String
  package var deadline: Timestamp
}

/// Whose block it is: a client by its identity, which outlives its sessions, or one anonymous session.
package enum Blocker: Hashable, Sendable {
  case client(Identifier)
  case session(Identifier)
}

// MARK: - Size

extension MarkdoneBlock {
  /// How long this is as JSON in a snapshot, about: its numbers count with their longest values.
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
