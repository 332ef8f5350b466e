import CasebusProtocol
import struct NIOCore.ByteBuffer

/// An interaction and its internal state.
struct InteractionRecord: Hashable, Sendable {
  /// Its case flags are those of its last event; ``Workspace/interaction(_:)`` gives the current ones.
  let interaction: Interaction
  /// The last state that was not transient.
  let settledState: InteractionState
  /// The size of the interaction in the workspace.
  let byteCount: Int

  init(interaction: Interaction, settledState: InteractionState) {
    self.interaction = interaction
    self.settledState = settledState
    byteCount = Self.byteCount(of: interaction)
  }

  /// As an element of an array.
  static func byteCount(of interaction: Interaction) -> Int { interaction.jsonBytesMax + 1 }

  /// The rule that governs the interaction now.
  var rule: StateRule { .of(settledState) }
}

extension StateRule {
  /// Whether the transition table has this change; without a record, whether an interaction can begin with this state.
  static func allows(_ state: InteractionState, after record: InteractionRecord?) -> Bool {
    guard let record else { return StateRule.of(state).isInitial }
    return state == record.interaction.state || state == record.settledState || record.rule.next.contains(state)
  }
}

// MARK: - Snapshot

extension InteractionRecord {
  func writeSnapshot(into buffer: inout ByteBuffer) {
    buffer.beginJSONObject()
    buffer.writeJSONMember("interaction") { $0.writeJSON(interaction) }
    buffer.writeJSONMember("settledState", settledState.rawValue)
    if interaction.hidesMissingUUID { buffer.writeJSONMember("interactionUUID", .null) }
    buffer.endJSONObject()
  }

  init(snapshot: JSONValue) throws(ReplayError) {
    guard let settled = InteractionState(rawValue: try snapshot.text("settledState")) else {
      throw ReplayError("settledState is no state")
    }
    self.init(interaction: try Interaction(replaying: snapshot["interaction"], snapshot), settledState: settled)
  }
}
