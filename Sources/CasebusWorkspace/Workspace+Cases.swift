import CasebusProtocol

extension Workspace {
  /// The agent (or a client for it) wants to see a case: the others collapse, it expands, it becomes selected.
  func decideSelectCase(_ caseID: String) throws(Failure) -> [WorkspaceEvent] {
    try checkCase(caseID)
    var events = expandedCaseIDs.filter { $0 != caseID }.map { event(.collapsed, of: $0) }
    if !expandedCaseIDs.contains(caseID) { events.append(event(.expanded, of: caseID)) }
    if selectedCaseID != caseID { events.append(event(.selected, of: caseID)) }
    return events
  }

  /// A source says what the agent did: exactly this one fact, and nothing where it already holds.
  func decideCaseAssertion(_ kind: CaseChange.Kind, _ caseID: String) throws(Failure) -> [WorkspaceEvent] {
    try checkCase(caseID)
    let alreadyHolds =
      switch kind {
      case .selected: selectedCaseID == caseID
      case .expanded: expandedCaseIDs.contains(caseID)
      case .collapsed: !expandedCaseIDs.contains(caseID)
      case .closed: preconditionFailure("CASE_CLOSED is decided, never asserted; see Command.init(publishing:data:)")
      }
    return alreadyHolds ? [] : [event(kind, of: caseID)]
  }

  private func event(_ kind: CaseChange.Kind, of caseID: String) -> WorkspaceEvent {
    .caseChanged(
      CaseChange(kind: kind, selectedCaseID: kind == .selected ? caseID : selectedCaseID, caseID: caseID))
  }

  private func checkCase(_ caseID: String) throws(Failure) {
    guard hasCase(caseID) else {
      throw Failure(.caseNotFound, "there is no case \"\(caseID)\" in this workspace")
    }
  }
}
