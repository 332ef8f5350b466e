import CasebusProtocol
import struct NIOCore.ByteBuffer

/// The interface of an event of one domain. ``WorkspaceEvent`` forwards each member to it.
protocol DomainEvent: Hashable, Sendable {
  /// The kinds under which the journal stores the events of this domain. The texts are in journal files: a released one
  /// is never changed, and no other domain uses it. At most 15 bytes of ASCII each, which a `String` holds without an
  /// allocation.
  associatedtype RecordKind: RawRepresentable<String> & CaseIterable & Sendable
  var recordKind: RecordKind { get }

  /// The event name under which clients subscribe to it.
  var name: EventName { get }

  /// The key for durable consumers; nil if it has none.
  var key: EventKey? { get }

  /// Appends the `data` of the envelope.
  func writeData(into buffer: inout ByteBuffer)

  /// Appends what a replay needs beyond the kind and the `data`, as a JSON object; nothing for most events.
  func writeDetail(into buffer: inout ByteBuffer)

  /// Reads a stored event.
  init(_ stored: StoredEvent, as kind: RecordKind) throws(ReplayError)
}

extension DomainEvent {
  /// Reads a stored event; nil if it belongs to another domain.
  init?(replaying stored: StoredEvent) throws(ReplayError) {
    guard let kind = RecordKind(name: stored.kind) else { return nil }
    try self.init(stored, as: kind)
  }
}
