package import CasebusProtocol
import struct NIOCore.ByteBuffer

/// A relayed event of a namespace for which the broker has no state.
package struct RelayedEvent: Hashable, Sendable {
  package var name: EventName
  package var data: PublishedData
}

extension RelayedEvent: DomainEvent {
  enum RecordKind: String, CaseIterable {
    case relayed
  }

  var recordKind: RecordKind { .relayed }

  var key: EventKey? { nil }

  func writeData(into buffer: inout ByteBuffer) { buffer.writeJSON(data) }

  func writeDetail(into buffer: inout ByteBuffer) {}

  init(_ stored: StoredEvent, as kind: RecordKind) throws(ReplayError) {
    self.init(name: stored.name, data: PublishedData(stored.data))
  }
}
