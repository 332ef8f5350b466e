import CasebusProtocol

/// A change of an interaction's state or attributes, by a source or by a mark done.
struct InteractionChange {
  /// nil for a new interaction.
  var old: Interaction?
  var new: Interaction
  /// The origin of the mark done, if `new` is completed.
  var origin: MarkdoneEvent.Origin

  init(from old: Interaction?, to new: Interaction, by origin: MarkdoneEvent.Origin) {
    self.old = old
    self.new = new
    self.origin = origin
  }

  /// The events: the mark done, if it is one; the change itself; the closing of each case that it leaves empty.
  func events(in workspace: Workspace) -> [WorkspaceEvent] {
    var events: [WorkspaceEvent] = []
    if new.state == .completed {
      events.append(
        .markdone(MarkdoneEvent(kind: .done(by: origin), interactionID: new.interactionID, caseID: new.caseID)))
    }
    events.append(.interaction(.stateChanged(workspace.caseState.flagged(new))))
    return events + closings(in: workspace)
  }

  private func closings(in workspace: Workspace) -> [WorkspaceEvent] {
    var left: [Identifier] = []
    if let old, old.caseID != new.caseID { left.append(old.caseID) }
    if StateRule.of(new.state).isTerminal { left.append(new.caseID) }
    var selected = workspace.selectedCaseID
    return left.filter { isEmpty($0, in: workspace) }.map { caseID in
      defer { if selected == caseID { selected = nil } }
      return .caseChanged(CaseEvent(kind: .closed, selectedCaseID: selected, caseID: caseID))
    }
  }

  /// Whether a case has no other interaction.
  private func isEmpty(_ caseID: Identifier, in workspace: Workspace) -> Bool {
    workspace.interactionState.count(inCase: caseID) == (old?.caseID == caseID ? 1 : 0)
  }
}
