package import CasebusProtocol
import struct NIOCore.ByteBuffer

/// An event of an interaction (Protocol §6), with the interaction after the event.
package enum InteractionEvent: Hashable, Sendable {
  /// A source asserted a state (`eventType` is the state), or changed attributes in it.
  case stateChanged(Interaction)
  /// A client wrote user data; the state is unchanged.
  case userDataChanged(Interaction, isFirst: Bool)
}

extension InteractionEvent {
  package var interaction: Interaction {
    switch self {
    case .stateChanged(let interaction), .userDataChanged(let interaction, _): interaction
    }
  }

  /// The interaction that this event removes from the workspace; nil if it stays.
  var endedInteraction: Identifier? {
    guard case .stateChanged(let interaction) = self, StateRule.of(interaction.state).isTerminal else { return nil }
    return interaction.interactionID
  }
}

extension InteractionEvent: DomainEvent {
  enum RecordKind: String, CaseIterable {
    /// A source asserted it.
    case interaction
    case userData
  }

  var recordKind: RecordKind {
    switch self {
    case .stateChanged: .interaction
    case .userDataChanged: .userData
    }
  }

  var name: EventName { .interaction }

  var key: EventKey? {
    switch self {
    case .stateChanged(let interaction), .userDataChanged(let interaction, _): .interaction(interaction.interactionID)
    }
  }

  func writeData(into buffer: inout ByteBuffer) {
    switch self {
    case .stateChanged(let interaction):
      buffer.writeInteractionEvent(interaction.state, interaction)
    case .userDataChanged(let interaction, let isFirst):
      buffer.writeInteractionEvent(isFirst ? .userDataAttached : .userDataUpdated, interaction)
    }
  }

  func writeDetail(into buffer: inout ByteBuffer) {
    switch self {
    case .stateChanged(let interaction), .userDataChanged(let interaction, _):
      if interaction.hidesMissingUUID { buffer.writeStaticString(#"{"interactionUUID":null}"#) }
    }
  }

  init(_ stored: StoredEvent, as kind: RecordKind) throws(ReplayError) {
    let interaction = try Interaction(replaying: stored.data["interaction"], stored.detail)
    switch kind {
    case .interaction: self = .stateChanged(interaction)
    case .userData:
      let isFirst = stored.data["eventType"] == .string(InteractionState.userDataAttached.rawValue)
      self = .userDataChanged(interaction, isFirst: isFirst)
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
}

extension Interaction {
  /// Clients see the `callUuid` in place of a missing `interactionUUID`.
  var hidesMissingUUID: Bool { interactionUUID == nil && callUUID != nil }

  /// - Parameters:
  ///   - value: as clients see it.
  ///   - detail: has an `interactionUUID` of null if ``hidesMissingUUID``.
  init(replaying value: JSONValue?, _ detail: JSONValue) throws(ReplayError) {
    guard let members = value?.objectValue else { throw ReplayError("an interaction is missing") }
    do throws(Failure) {
      try self.init(decoding: members)
    } catch {
      throw ReplayError(error.message)
    }
    if detail["interactionUUID"] == .null { interactionUUID = nil }
  }
}
