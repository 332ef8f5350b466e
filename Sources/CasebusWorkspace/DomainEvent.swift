import CasebusProtocol
import struct NIOCore.ByteBuffer

/// What an event of one domain says about itself. ``WorkspaceEvent`` passes each question on to the domain.
protocol DomainEvent: Hashable, Sendable {
  /// What the journal stores beside the events of this domain, to know them again. The texts are in journal files: one
  /// that was released is never changed, and no other domain has it. At most 15 bytes of ASCII each, which a `String`
  /// holds without an allocation.
  associatedtype RecordKind: RawRepresentable<String> & CaseIterable & Sendable
  var recordKind: RecordKind { get }

  /// The event name under which clients subscribe to it.
  var name: EventName { get }

  /// What it belongs to; nil if it belongs to nothing.
  var key: EventKey? { get }

  /// Appends the `data` of the envelope as clients see it.
  func writeData(into buffer: inout ByteBuffer)

  /// Appends what a replay needs beyond the kind and the `data`, as a JSON object; nothing for most events.
  func writeDetail(into buffer: inout ByteBuffer)

  /// Reads an event as it was stored.
  init(_ stored: StoredEvent, as kind: RecordKind) throws(ReplayError)
}

extension DomainEvent {
  /// Reads an event as it was stored; nil if it is of another domain.
  init?(replaying stored: StoredEvent) throws(ReplayError) {
    guard let kind = RecordKind(name: stored.kind) else { return nil }
    try self.init(stored, as: kind)
  }
}
