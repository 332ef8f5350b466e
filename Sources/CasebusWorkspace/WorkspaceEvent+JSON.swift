package import CasebusProtocol
package import struct NIOCore.ByteBuffer

extension WorkspaceEvent {
  /// The event name under which clients subscribe to it.
  package var name: EventName {
    switch self {
    case .interactionChanged, .userDataChanged, .caseChanged: .interaction
    case .markdone: .markdone
    case .relayed(let name, _): name
    }
  }

  /// Appends the `data` of the envelope as clients see it.
  package func writeData(into buffer: inout ByteBuffer) {
    switch self {
    case .interactionChanged(let interaction):
      buffer.writeInteractionEvent(interaction.state, interaction)
    case .userDataChanged(let interaction, let isFirst):
      buffer.writeInteractionEvent(isFirst ? .userDataAttached : .userDataUpdated, interaction)
    case .caseChanged(let change):
      buffer.writeCaseEvent(change)
    case .markdone(let event):
      buffer.writeMarkdoneEvent(event)
    case .relayed(_, let data):
      buffer.writeJSON(data)
    }
  }
}

extension ByteBuffer {
  fileprivate mutating func writeInteractionEvent(_ eventType: InteractionState, _ interaction: Interaction) {
    beginJSONObject()
    writeJSONMember("eventType", eventType.rawValue)
    writeJSONMember("interaction") { $0.writeJSON(interaction) }
    endJSONObject()
  }

  fileprivate mutating func writeCaseEvent(_ change: CaseChange) {
    beginJSONObject()
    writeJSONMember("eventType", change.kind.rawValue)
    writeJSONMember("selectedCaseId", change.selectedCaseID.map { .string($0.text) } ?? .null)
    writeJSONMember("caseId", change.caseID.text)
    endJSONObject()
  }

  fileprivate mutating func writeMarkdoneEvent(_ event: MarkdoneEvent) {
    beginJSONObject()
    writeJSONMember("eventType", event.kind.eventType)
    writeJSONMember("interactionId", event.interactionID.text)
    writeJSONMember("caseId", event.caseID.text)
    switch event.kind {
    case .blocked(let block, let timeout):
      writeJSONMember("warningMessage", block.warningMessage)
      writeJSONMember("timeout", timeout)
    case .refused(let warningMessage, let remaining):
      writeJSONMember("warningMessage", warningMessage)
      writeJSONMember("remaining", remaining)
    case .done(let origin):
      writeJSONMember("by", origin?.rawValue)
    case .unblocked, .blockExpired:
      break
    }
    endJSONObject()
  }
}

extension MarkdoneEvent.Kind {
  /// The `eventType` of Protocol §8.
  package var eventType: String {
    switch self {
    case .blocked: "MARKDONE_BLOCKED"
    case .unblocked: "MARKDONE_UNBLOCKED"
    case .blockExpired: "MARKDONE_BLOCK_EXPIRED"
    case .refused: "MARKDONE_REFUSED"
    case .done: "MARKED_DONE"
    }
  }
}
