import CasebusProtocol
package import struct NIOCore.ByteBuffer

/// The state in one piece, from which a replay begins.
extension Workspace {
  /// Appends the state as JSON.
  package func writeSnapshot(into buffer: inout ByteBuffer) {
    buffer.beginJSONObject()
    buffer.writeJSONMember("interactions") { $0.writeJSONArray(Array(records.values)) { $0.writeRecord($1) } }
    buffer.writeJSONMember("selectedCaseId", selectedCaseID?.text)
    buffer.writeJSONMember("expandedCaseIds") { $0.writeJSONArray(expandedCaseIDs) { $0.writeJSON($1.text) } }
    buffer.writeJSONMember("blocks") { $0.writeJSONArray(blocks) { $0.writeBlock($1) } }
    buffer.writeJSONMember("irregularTransitions", Int64(irregularTransitions))
    buffer.writeJSONMember("newestEventTime", newestEventTime.milliseconds)
    buffer.endJSONObject()
  }

  /// Reads what ``writeSnapshot(into:)`` wrote.
  package init(snapshot: ByteBuffer, rules: WorkspaceRules) throws(ReplayError) {
    let snapshot = try JSONValue(replaying: snapshot)
    self.init(rules: rules)
    for value in snapshot["interactions"]?.arrayValue ?? [] {
      let record = try InteractionRecord(replaying: value)
      setRecord(record, of: record.interaction.interactionID, replacing: nil)
    }
    selectedCaseID = snapshot["selectedCaseId"]?.stringValue.map(Identifier.init(_:))
    for id in snapshot["expandedCaseIds"]?.arrayValue ?? [] { id.stringValue.map { expanded.append(Identifier($0)) } }
    for value in snapshot["blocks"]?.arrayValue ?? [] { blockBook.place(try MarkdoneBlock(replaying: value)) }
    irregularTransitions = Int(try snapshot.integer("irregularTransitions"))
    // Snapshots of before there was this member have none.
    if snapshot["newestEventTime"] != nil {
      newestEventTime = Timestamp(milliseconds: try snapshot.integer("newestEventTime"))
    }
  }
}

extension InteractionRecord {
  fileprivate init(replaying value: JSONValue) throws(ReplayError) {
    guard let members = value["interaction"]?.objectValue else { throw ReplayError("an interaction is missing") }
    guard let settled = InteractionState(rawValue: try value.text("settledState")) else {
      throw ReplayError("settledState is no state")
    }
    self.init(interaction: try Interaction(replaying: members, value), settledState: settled)
  }
}

extension MarkdoneBlock {
  fileprivate init(replaying value: JSONValue) throws(ReplayError) {
    guard let blocker = Blocker(in: value) else { throw ReplayError("a block does not say whose it is") }
    self.init(
      interactionID: try value.identifier("interactionId"), blocker: blocker,
      warningMessage: try value.text("warningMessage"),
      deadline: Timestamp(milliseconds: try value.integer("deadline")))
  }
}

extension ByteBuffer {
  fileprivate mutating func writeRecord(_ record: InteractionRecord) {
    beginJSONObject()
    writeJSONMember("interaction") { $0.writeJSON(record.interaction) }
    writeJSONMember("settledState", record.settledState.rawValue)
    if record.interaction.hidesMissingUUID { writeJSONMember("interactionUUID", .null) }
    endJSONObject()
  }

  fileprivate mutating func writeBlock(_ block: MarkdoneBlock) {
    beginJSONObject()
    writeJSONMember("interactionId", block.interactionID.text)
    writeBlocker(block.blocker)
    writeJSONMember("warningMessage", block.warningMessage)
    writeJSONMember("deadline", block.deadline.milliseconds)
    endJSONObject()
  }
}
