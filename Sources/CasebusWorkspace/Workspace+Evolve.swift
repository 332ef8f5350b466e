import CasebusProtocol

extension Workspace {
  /// Makes an event so. Every event that ``decide(_:by:at:)`` or ``deadlineReached(at:)`` gave is accepted.
  /// - Parameter time: when it was decided (``eventTime(at:)``).
  package mutating func evolve(_ event: WorkspaceEvent, at time: Timestamp) {
    newestEventTime = max(newestEventTime, time)
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
    let old = records[id]
    if !Self.isRegular(from: old, to: interaction.state) { irregularTransitions += 1 }
    if rule.isTerminal {
      setRecord(nil, of: id, replacing: old)
      blockBook.removeAll(on: id)
    } else {
      let settled = rule.isTransient ? old?.settledState ?? .unknown : interaction.state
      setRecord(InteractionRecord(interaction: interaction, settledState: settled), of: id, replacing: old)
    }
  }

  private mutating func evolveUserData(of interaction: Interaction) {
    let id = interaction.interactionID
    guard let old = records[id] else { return }
    setRecord(InteractionRecord(interaction: interaction, settledState: old.settledState), of: id, replacing: old)
  }

  /// Keeps, or forgets, an interaction, and counts it in its case.
  mutating func setRecord(_ record: InteractionRecord?, of id: Identifier, replacing old: InteractionRecord?) {
    records[id] = record
    recordBytes += (record?.byteCount ?? 0) - (old?.byteCount ?? 0)
    let (left, entered) = (old?.interaction.caseID, record?.interaction.caseID)
    guard left != entered else { return }
    if let left, let count = interactionCounts[left] { interactionCounts[left] = count > 1 ? count - 1 : nil }
    if let entered { interactionCounts[entered, default: 0] += 1 }
  }

  private mutating func evolveCase(_ change: CaseChange) {
    switch change.kind {
    case .selected: selectedCaseID = change.caseID
    case .expanded: expanded.append(change.caseID)
    case .collapsed: expanded.remove(change.caseID)
    case .closed:
      expanded.remove(change.caseID)
      if selectedCaseID == change.caseID { selectedCaseID = nil }
    }
  }

  private mutating func evolveMarkdone(_ event: MarkdoneEvent) {
    switch event.kind {
    case .blocked(let block, _):
      blockBook.place(block)
    case .unblocked(let blocker), .blockExpired(let blocker):
      blockBook.remove(of: blocker, on: event.interactionID)
    case .refused, .done:
      break
    }
  }
}
