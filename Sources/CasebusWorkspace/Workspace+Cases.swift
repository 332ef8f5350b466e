import CasebusProtocol

extension Workspace {
  /// The agent (or a client for it) wants to see a case: the others collapse, it expands, it becomes selected.
  func decideSelectCase(_ caseID: Identifier) throws(Failure) -> [WorkspaceEvent] {
    try checkCase(caseID)
    var events = expanded.filter { $0 != caseID }.map { event(.collapsed, of: $0) }
    if !expanded.contains(caseID) { events.append(event(.expanded, of: caseID)) }
    if selectedCaseID != caseID { events.append(event(.selected, of: caseID)) }
    return events
  }

  /// A source says what the agent did: exactly this one fact, and nothing where it already holds.
  func decideCaseAssertion(_ kind: CaseChange.Kind, _ caseID: Identifier) throws(Failure) -> [WorkspaceEvent] {
    try checkCase(caseID)
    let alreadyHolds =
      switch kind {
      case .selected: selectedCaseID == caseID
      case .expanded: expanded.contains(caseID)
      case .collapsed: !expanded.contains(caseID)
      case .closed: preconditionFailure("CASE_CLOSED is decided, never asserted; see Command.init(publishing:data:)")
      }
    return alreadyHolds ? [] : [event(kind, of: caseID)]
  }

  private func event(_ kind: CaseChange.Kind, of caseID: Identifier) -> WorkspaceEvent {
    .caseChanged(
      CaseChange(kind: kind, selectedCaseID: kind == .selected ? caseID : selectedCaseID, caseID: caseID))
  }

  private func checkCase(_ caseID: Identifier) throws(Failure) {
    guard hasCase(caseID) else {
      throw Failure(.caseNotFound, "there is no case \"\(caseID)\" in this workspace")
    }
  }
}
