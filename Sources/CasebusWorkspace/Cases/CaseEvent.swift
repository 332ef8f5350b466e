package import CasebusProtocol
import struct NIOCore.ByteBuffer

/// An event of a case (Protocol §7).
package struct CaseEvent: Hashable, Sendable {
  package enum Kind: String, CaseIterable, Hashable, Sendable {
    case collapsed = "CASE_COLLAPSED"
    case expanded = "CASE_EXPANDED"
    case selected = "CASE_SELECTED"
    case closed = "CASE_CLOSED"
  }

  package var kind: Kind
  /// The selected case at the time of the event; nil if none is.
  package var selectedCaseID: Identifier?
  /// The case of the event.
  package var caseID: Identifier
}

extension CaseEvent: DomainEvent {
  enum RecordKind: String, CaseIterable {
    case `case`
  }

  var recordKind: RecordKind { .case }

  var name: EventName { .interaction }

  var key: EventKey? { .caseID(caseID) }

  func writeData(into buffer: inout ByteBuffer) {
    buffer.beginJSONObject()
    buffer.writeJSONMember("eventType", kind.rawValue)
    buffer.writeJSONMember("selectedCaseId", selectedCaseID.map { .string($0.text) } ?? .null)
    buffer.writeJSONMember("caseId", caseID.text)
    buffer.endJSONObject()
  }

  func writeDetail(into buffer: inout ByteBuffer) {}

  init(_ stored: StoredEvent, as kind: RecordKind) throws(ReplayError) {
    let eventType = try stored.data.text("eventType")
    guard let kind = Kind(rawValue: eventType) else { throw ReplayError("unknown eventType \(eventType)") }
    self.init(
      kind: kind, selectedCaseID: stored.data["selectedCaseId"]?.stringValue.map(Identifier.init(_:)),
      caseID: try stored.data.identifier("caseId"))
  }
}
