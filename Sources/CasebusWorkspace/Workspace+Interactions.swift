import CasebusProtocol

extension Workspace {
  func decideStateAssertion(_ state: InteractionState, _ attributes: JSONObject) throws(Failure) -> [WorkspaceEvent] {
    guard let id = try attributes.identifier("interactionId") else {
      throw Failure(.invalidParameters, "interaction.interactionId is missing, expected a string")
    }
    let record = records[id]
    var interaction = record?.interaction ?? newInteraction(id, state, attributes)
    try interaction.update(from: attributes)
    try checkTransition(of: id, from: record, to: state)
    if record == nil { try checkRoom() }
    try checkSize(ofUserData: interaction.userData, replacing: record?.interaction.userData ?? JSONObjectText())
    if let record, record.interaction.state != state {
      interaction.previousState = record.interaction.state
      interaction.state = state
    }
    try checkSize(of: interaction, replacing: record)
    return events(changing: record?.interaction, to: interaction, by: .publish)
  }

  /// The events of a state change: the change itself, and the closing of each case that it leaves empty.
  func events(
    changing old: Interaction?, to new: Interaction, by origin: MarkdoneEvent.Origin
  ) -> [WorkspaceEvent] {
    var events: [WorkspaceEvent] = []
    if new.state == .completed {
      events.append(
        .markdone(MarkdoneEvent(kind: .done(by: origin), interactionID: new.interactionID, caseID: new.caseID)))
    }
    events.append(.interactionChanged(withCaseFlags(new)))
    return events + closings(old: old, new: new)
  }

  private func closings(old: Interaction?, new: Interaction) -> [WorkspaceEvent] {
    var left: [Identifier] = []
    if let old, old.caseID != new.caseID { left.append(old.caseID) }
    if StateRule.of(new.state).isTerminal { left.append(new.caseID) }
    var selected = selectedCaseID
    return left.filter { isEmpty($0, without: old) }.map { caseID in
      defer { if selected == caseID { selected = nil } }
      return .caseChanged(CaseChange(kind: .closed, selectedCaseID: selected, caseID: caseID))
    }
  }

  private func isEmpty(_ caseID: Identifier, without old: Interaction?) -> Bool {
    interactionCounts[caseID, default: 0] == (old?.caseID == caseID ? 1 : 0)
  }

  /// An interaction before the attributes of its first event, with the defaults of Protocol §6.2.
  private func newInteraction(
    _ id: Identifier, _ state: InteractionState, _ attributes: JSONObject
  ) -> Interaction {
    let parent = attributes["parentInteractionId"]?.stringValue.flatMap { records[Identifier($0)] }
    let caseID = attributes["caseId"]?.stringValue.map(Identifier.init(_:)) ?? parent?.interaction.caseID ?? id
    var interaction = Interaction(interactionID: id, caseID: caseID, state: state)
    interaction.isMainCaseInteraction = attributes["isConsultation"] != true && !hasCase(caseID)
    return interaction
  }

  private func checkRoom() throws(Failure) {
    guard records.count < rules.interactionsPerWorkspaceMax else {
      throw Failure(
        .limitExceeded,
        "the workspace has \(records.count) interactions, the most it may have (interactionsPerWorkspaceMax)")
    }
  }

  private func checkTransition(
    of id: Identifier, from record: InteractionRecord?, to state: InteractionState
  ) throws(Failure) {
    guard rules.transitions == .strict, !Self.isRegular(from: record, to: state) else { return }
    if let record {
      let allowed = StateRule.states { Self.isRegular(from: record, to: $0.state) }
      throw Failure(
        .illegalTransition,
        "interaction \"\(id)\" is \(record.interaction.state.rawValue) and cannot become \(state.rawValue), "
          + "allowed: \(Self.list(allowed))")
    }
    throw Failure(
      .illegalTransition,
      "interaction \"\(id)\" is new and cannot begin as \(state.rawValue), "
        + "allowed: \(Self.list(StateRule.states(where: \.isInitial)))")
  }

  /// Whether the transition table has this change.
  static func isRegular(from record: InteractionRecord?, to state: InteractionState) -> Bool {
    guard let record else { return StateRule.of(state).isInitial }
    return state == record.interaction.state || state == record.settledState || record.rule.next.contains(state)
  }

  static func list(_ states: [InteractionState]) -> String {
    states.map(\.rawValue).joined(separator: ", ")
  }
}

extension Workspace {
  func decideSetUserData(_ id: Identifier, _ userData: JSONObject) throws(Failure) -> [WorkspaceEvent] {
    let record = try liveRecord(id)
    guard !userData.isEmpty else { return [] }
    var interaction = record.interaction
    interaction.userData.merge(userData)
    let isFirst = record.interaction.userData.isEmpty
    try checkSize(ofUserData: interaction.userData, replacing: record.interaction.userData)
    try checkSize(of: interaction, replacing: record)
    return [.userDataChanged(withCaseFlags(interaction), isFirst: isFirst)]
  }

  func decideDeleteUserData(_ id: Identifier, _ key: String) throws(Failure) -> [WorkspaceEvent] {
    var interaction = try liveRecord(id).interaction
    guard interaction.userData.removeMember(named: key) else { return [] }
    return [.userDataChanged(withCaseFlags(interaction), isFirst: false)]
  }

  private func liveRecord(_ id: Identifier) throws(Failure) -> InteractionRecord {
    let record = try record(id)
    guard record.rule.isLive else {
      throw Failure(
        .illegalState,
        "interaction \"\(id)\" is \(record.interaction.state.rawValue) and its user data cannot be written, "
          + "allowed in: \(Self.list(StateRule.states(where: \.isLive)))")
    }
    return record
  }
}
