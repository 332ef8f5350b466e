import CasebusProtocol
import struct NIOCore.ByteBuffer

/// The flags of the cases of a workspace. The interactions determine which cases exist (``Workspace/hasCase(_:)``).
struct Cases: Hashable, Sendable {
  /// nil if none is.
  private(set) var selectedCaseID: Identifier?
  /// In the order in which they were expanded.
  private(set) var expanded = ArrivalOrder<Identifier>()

  init() {}

  /// The interaction with the flags that mirror its case.
  func flagged(_ interaction: Interaction) -> Interaction {
    var interaction = interaction
    interaction.isCaseSelected = selectedCaseID == interaction.caseID
    interaction.isCaseExpanded = expanded.contains(interaction.caseID)
    return interaction
  }

  mutating func evolve(_ event: CaseEvent) {
    switch event.kind {
    case .selected: selectedCaseID = event.caseID
    case .expanded: expanded.append(event.caseID)
    case .collapsed: expanded.remove(event.caseID)
    case .closed:
      expanded.remove(event.caseID)
      if selectedCaseID == event.caseID { selectedCaseID = nil }
    }
  }
}

// MARK: - Snapshot

extension Cases {
  func writeSnapshotMembers(into buffer: inout ByteBuffer) {
    buffer.writeJSONMember("selectedCaseId", selectedCaseID?.text)
    buffer.writeJSONMember("expandedCaseIds") { $0.writeJSONArray(Array(expanded)) { $0.writeJSON($1.text) } }
  }

  init(snapshot: JSONValue) {
    selectedCaseID = snapshot["selectedCaseId"]?.stringValue.map(Identifier.init(_:))
    for id in snapshot["expandedCaseIds"]?.arrayValue ?? [] { id.stringValue.map { expanded.append(Identifier($0)) } }
  }
}
