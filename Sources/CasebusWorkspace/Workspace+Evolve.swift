import CasebusProtocol
import OrderedCollections

extension Workspace {
  /// Makes an event so. Every event that ``decide(_:by:at:)`` or ``deadlineReached(at:)`` gave is accepted.
  public mutating func evolve(_ event: WorkspaceEvent) {
    switch event {
    case .interactionChanged(let interaction): evolveState(of: interaction)
    case .userDataChanged(let interaction, _): evolveUserData(of: interaction)
    case .caseChanged(let change): evolveCase(change)
    case .markdone(let event): evolveMarkdone(event)
    case .relayed: break
    }
  }

  private mutating func evolveState(of interaction: Interaction) {
    let id = interaction.interactionID
    let rule = StateRule.of(interaction.state)
    if !Self.isRegular(from: records[id], to: interaction.state) { irregularTransitions += 1 }
    if rule.isTerminal {
      removeRecord(id)
      removeBlocks { $0.interactionID == id }
    } else {
      let settled = rule.isTransient ? records[id]?.settledState ?? .unknown : interaction.state
      insert(InteractionRecord(interaction: interaction, settledState: settled))
    }
  }

  private mutating func evolveUserData(of interaction: Interaction) {
    guard let record = records[interaction.interactionID] else { return }
    insert(InteractionRecord(interaction: interaction, settledState: record.settledState))
  }

  private mutating func evolveCase(_ change: CaseChange) {
    switch change.kind {
    case .selected: selectedCaseID = change.caseID
    case .expanded: expandedCaseIDs.append(change.caseID)
    case .collapsed: expandedCaseIDs.removeAll { $0 == change.caseID }
    case .closed:
      expandedCaseIDs.removeAll { $0 == change.caseID }
      if selectedCaseID == change.caseID { selectedCaseID = nil }
    }
  }

  private mutating func evolveMarkdone(_ event: MarkdoneEvent) {
    switch event.kind {
    case .blocked(let block, _):
      removeBlock(of: block.blocker, on: event.interactionID)
      append(block)
    case .unblocked(let blocker), .blockExpired(let blocker):
      removeBlock(of: blocker, on: event.interactionID)
    case .refused, .done:
      break
    }
  }

  private mutating func removeBlock(of blocker: Blocker, on interactionID: String) {
    removeBlocks { $0.interactionID == interactionID && $0.blocker == blocker }
  }
}
