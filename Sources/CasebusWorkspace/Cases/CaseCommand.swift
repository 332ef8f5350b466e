package import CasebusProtocol

/// A command about a case.
package enum CaseCommand: Hashable, Sendable {
  /// A source reports what the agent did with a case on the desktop.
  case assert(CaseEvent.Kind, caseID: Identifier)
  /// A client asks the desktop to show a case.
  case select(caseID: Identifier)
}

extension Command {
  package static func assertCase(_ kind: CaseEvent.Kind, caseID: Identifier) -> Command {
    .cases(.assert(kind, caseID: caseID))
  }

  package static func selectCase(caseID: Identifier) -> Command { .cases(.select(caseID: caseID)) }
}

// MARK: - Deciding

extension CaseCommand {
  func decide(in workspace: Workspace) throws(Failure) -> [WorkspaceEvent] {
    switch self {
    case .assert(let kind, let caseID):
      try Self.check(caseID, in: workspace)
      return Self.assert(kind, caseID, in: workspace.caseState)
    case .select(let caseID):
      try Self.check(caseID, in: workspace)
      return Self.select(caseID, in: workspace.caseState)
    }
  }

  private static func check(_ caseID: Identifier, in workspace: Workspace) throws(Failure) {
    guard workspace.hasCase(caseID) else {
      throw Failure(.caseNotFound, "there is no case \"\(caseID)\" in this workspace")
    }
  }

  /// One event for this change; none if it holds already.
  private static func assert(_ kind: CaseEvent.Kind, _ caseID: Identifier, in cases: Cases) -> [WorkspaceEvent] {
    let alreadyHolds =
      switch kind {
      case .selected: cases.selectedCaseID == caseID
      case .expanded: cases.expanded.contains(caseID)
      case .collapsed: !cases.expanded.contains(caseID)
      case .closed: preconditionFailure("CASE_CLOSED is decided, never asserted; see init(publishing:_:)")
      }
    return alreadyHolds ? [] : [event(kind, of: caseID, in: cases)]
  }

  /// The other cases collapse, this one expands and becomes selected.
  private static func select(_ caseID: Identifier, in cases: Cases) -> [WorkspaceEvent] {
    var events = cases.expanded.filter { $0 != caseID }.map { event(.collapsed, of: $0, in: cases) }
    if !cases.expanded.contains(caseID) { events.append(event(.expanded, of: caseID, in: cases)) }
    if cases.selectedCaseID != caseID { events.append(event(.selected, of: caseID, in: cases)) }
    return events
  }

  private static func event(_ kind: CaseEvent.Kind, of caseID: Identifier, in cases: Cases) -> WorkspaceEvent {
    .caseChanged(
      CaseEvent(kind: kind, selectedCaseID: kind == .selected ? caseID : cases.selectedCaseID, caseID: caseID))
  }
}

// MARK: - Publishing

extension CaseCommand {
  /// The command of a publish with the `eventType` of a case.
  init(publishing kind: CaseEvent.Kind, _ data: JSONObject) throws(Failure) {
    guard kind != .closed else {
      throw Failure(.notPublishable, "CASE_CLOSED is decided by the broker, when the last interaction of a case leaves")
    }
    self = .assert(kind, caseID: try Self.subject(of: data))
  }

  private static func subject(of data: JSONObject) throws(Failure) -> Identifier {
    if let caseID = try data.identifier("caseId") {
      if data["selectedCaseId"] != .null { _ = try data.identifier("selectedCaseId") }
      return caseID
    }
    if let caseID = try data.identifier("selectedCaseId") { return caseID }
    throw Failure(.invalidParameters, "selectedCaseId is missing, expected the identifier of a case")
  }
}
