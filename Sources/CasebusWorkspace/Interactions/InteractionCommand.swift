package import CasebusProtocol

/// A command about an interaction.
package enum InteractionCommand: Hashable, Sendable {
  /// A source asserts the state of an interaction; the attributes are those of the published interaction.
  case assertState(InteractionState, attributes: JSONObject)
  case setUserData(interactionID: Identifier, JSONObject)
  case deleteUserData(interactionID: Identifier, key: String)
}

extension Command {
  package static func assertState(_ state: InteractionState, attributes: JSONObject) -> Command {
    .interaction(.assertState(state, attributes: attributes))
  }

  package static func setUserData(interactionID: Identifier, _ userData: JSONObject) -> Command {
    .interaction(.setUserData(interactionID: interactionID, userData))
  }

  package static func deleteUserData(interactionID: Identifier, key: String) -> Command {
    .interaction(.deleteUserData(interactionID: interactionID, key: key))
  }
}

// MARK: - Deciding

extension InteractionCommand {
  func decide(in workspace: Workspace) throws(Failure) -> [WorkspaceEvent] {
    switch self {
    case .assertState(let state, let attributes): try workspace.decideStateAssertion(state, attributes)
    case .setUserData(let id, let userData): try workspace.decideSetUserData(id, userData)
    case .deleteUserData(let id, let key): try workspace.decideDeleteUserData(id, key)
    }
  }
}

extension Workspace {
  fileprivate func decideStateAssertion(
    _ state: InteractionState, _ attributes: JSONObject
  ) throws(Failure) -> [WorkspaceEvent] {
    guard let id = try attributes.identifier("interactionId") else {
      throw Failure(.invalidParameters, "interaction.interactionId is missing, expected a string")
    }
    let record = interactionState[id]
    var interaction = record?.interaction ?? newInteraction(id, state, attributes)
    try interaction.update(from: attributes)
    try checkTransition(of: id, from: record, to: state)
    if record == nil { try checkRoomForInteraction() }
    try checkSize(ofUserData: interaction.userData, replacing: record?.interaction.userData ?? JSONObjectText())
    if let record, record.interaction.state != state {
      interaction.previousState = record.interaction.state
      interaction.state = state
    }
    try checkSize(of: interaction, replacing: record)
    return InteractionChange(from: record?.interaction, to: interaction, by: .publish).events(in: self)
  }

  /// An interaction before the attributes of its first event, with the defaults of Protocol §6.2.
  private func newInteraction(
    _ id: Identifier, _ state: InteractionState, _ attributes: JSONObject
  ) -> Interaction {
    let parent = attributes["parentInteractionId"]?.stringValue.flatMap { interactionState[Identifier($0)] }
    let caseID = attributes["caseId"]?.stringValue.map(Identifier.init(_:)) ?? parent?.interaction.caseID ?? id
    var interaction = Interaction(interactionID: id, caseID: caseID, state: state)
    interaction.isMainCaseInteraction = attributes["isConsultation"] != true && !hasCase(caseID)
    return interaction
  }

  private func checkTransition(
    of id: Identifier, from record: InteractionRecord?, to state: InteractionState
  ) throws(Failure) {
    guard rules.transitions == .strict, !StateRule.allows(state, after: record) else { return }
    if let record {
      let allowed = StateRule.list { StateRule.allows($0.state, after: record) }
      throw Failure(
        .illegalTransition,
        "interaction \"\(id)\" is \(record.interaction.state.rawValue) and cannot become \(state.rawValue), "
          + "allowed: \(allowed)")
    }
    throw Failure(
      .illegalTransition,
      "interaction \"\(id)\" is new and cannot begin as \(state.rawValue), "
        + "allowed: \(StateRule.list(where: \.isInitial))")
  }

  fileprivate func decideSetUserData(
    _ id: Identifier, _ userData: JSONObject
  ) throws(Failure) -> [WorkspaceEvent] {
    let record = try liveRecord(id)
    guard !userData.isEmpty else { return [] }
    var interaction = record.interaction
    interaction.userData.merge(userData)
    let isFirst = record.interaction.userData.isEmpty
    try checkSize(ofUserData: interaction.userData, replacing: record.interaction.userData)
    try checkSize(of: interaction, replacing: record)
    return [.interaction(.userDataChanged(caseState.flagged(interaction), isFirst: isFirst))]
  }

  fileprivate func decideDeleteUserData(_ id: Identifier, _ key: String) throws(Failure) -> [WorkspaceEvent] {
    var interaction = try liveRecord(id).interaction
    guard interaction.userData.removeMember(named: key) else { return [] }
    return [.interaction(.userDataChanged(caseState.flagged(interaction), isFirst: false))]
  }

  private func liveRecord(_ id: Identifier) throws(Failure) -> InteractionRecord {
    let record = try interactionState.record(id)
    guard record.rule.isLive else {
      throw Failure(
        .illegalState,
        "interaction \"\(id)\" is \(record.interaction.state.rawValue) and its user data cannot be written, "
          + "allowed in: \(StateRule.list(where: \.isLive))")
    }
    return record
  }
}

// MARK: - Limits

extension Workspace {
  private func checkRoomForInteraction() throws(Failure) {
    guard interactionState.count < rules.interactionsPerWorkspaceMax else {
      throw Failure(
        .limitExceeded,
        "the workspace has \(interactionState.count) interactions, the most it may have (interactionsPerWorkspaceMax)")
    }
  }

  private func checkSize(of interaction: Interaction, replacing record: InteractionRecord?) throws(Failure) {
    let (old, new) = (record?.byteCount ?? 0, InteractionRecord.byteCount(of: interaction))
    guard new > old else { return }
    guard new <= rules.interactionBytesMax else {
      throw Failure(
        .limitExceeded,
        "interaction \"\(interaction.interactionID)\" would have \(new) bytes, "
          + "allowed are \(rules.interactionBytesMax) (interactionBytesMax)")
    }
    // No limit for a terminal state, which removes the interaction.
    if !StateRule.of(interaction.state).isTerminal { try checkRoom(forBytes: new - old) }
  }

  private func checkSize(ofUserData userData: JSONObjectText, replacing old: JSONObjectText) throws(Failure) {
    guard userData.byteCount > rules.userDataBytesMax, userData.byteCount > old.byteCount else { return }
    throw Failure(
      .limitExceeded,
      "the user data would have \(userData.byteCount) bytes, allowed are \(rules.userDataBytesMax) (userDataBytesMax)")
  }
}

// MARK: - Publishing

extension InteractionCommand {
  /// The command of a publish with a state as its `eventType`.
  init(publishing state: InteractionState, _ data: JSONObject) throws(Failure) {
    guard let attributes = data["interaction"]?.objectValue else {
      throw Failure(.invalidParameters, "interaction is \(data["interaction"]?.kind ?? "missing"), expected an object")
    }
    guard try attributes.identifier("interactionId") != nil else {
      throw Failure(.invalidParameters, "interaction.interactionId is missing, expected a string")
    }
    self = .assertState(state, attributes: attributes)
  }
}
