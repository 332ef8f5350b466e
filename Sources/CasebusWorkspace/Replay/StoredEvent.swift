import CasebusProtocol
import struct NIOCore.ByteBuffer

/// An event as a journal stores it, before decoding.
struct StoredEvent {
  var name: EventName
  /// The text of a ``DomainEvent/RecordKind``.
  var kind: String
  /// The `data` of the envelope.
  var data: JSONValue
  /// What a replay needs in addition; an empty object for most events.
  var detail: JSONValue

  init(_ name: EventName, kind: String, data: ByteBuffer, detail: ByteBuffer) throws(ReplayError) {
    self.name = name
    self.data = try JSONValue(replaying: data)
    self.detail = detail.readableBytes == 0 ? .object([:]) : try JSONValue(replaying: detail)
    self.kind = kind
    if kind.utf8.isEmpty { self.kind = try inferredKind() }
  }
}
