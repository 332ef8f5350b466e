import CasebusProtocol

extension Workspace {
  func decideMarkdone(_ id: Identifier, at now: Timestamp) throws(Failure) -> [WorkspaceEvent] {
    let record = try record(id)
    guard record.rule.allowsMarkdone else {
      throw Failure(
        .illegalState,
        "interaction \"\(id)\" is \(record.interaction.state.rawValue) and cannot be marked done, "
          + "allowed in: \(Self.list(StateRule.states(where: \.allowsMarkdone)))")
    }
    if let newest = blockBook.on(id).last {
      let remaining = max(0, newest.deadline.milliseconds(since: now))
      return [event(.refused(warningMessage: newest.warningMessage, remainingMilliseconds: remaining), of: newest)]
    }
    var completed = record.interaction
    completed.previousState = completed.state
    completed.state = .completed
    return events(changing: record.interaction, to: completed, by: .request)
  }

  func decideBlock(
    _ id: Identifier, _ warningMessage: String, by blocker: Blocker, at now: Timestamp
  ) throws(Failure) -> [WorkspaceEvent] {
    _ = try record(id)
    try checkBlockLimits(id, warningMessage, by: blocker)
    let timeout = rules.blockMarkdoneTimeoutMilliseconds
    let block = MarkdoneBlock(
      interactionID: id, blocker: blocker, warningMessage: warningMessage,
      deadline: now.advanced(byMilliseconds: timeout))
    try checkSize(of: block)
    return [event(.blocked(block, timeoutMilliseconds: timeout), of: block)]
  }

  /// Lifts the blocker's own blocks, the older one first. Without one nothing happens: it may just have expired.
  func decideUnblock(_ id: Identifier, by blocker: Blocker, or other: Blocker?) throws(Failure) -> [WorkspaceEvent] {
    _ = try record(id)
    return blockBook.on(id).filter { $0.blocker == blocker || $0.blocker == other }
      .map { event(.unblocked($0.blocker), of: $0) }
  }

  /// Whose blocks end with an event that is not yet made so.
  package func blockers(freedBy event: WorkspaceEvent) -> [Blocker] {
    switch event {
    case .markdone(let event):
      switch event.kind {
      case .unblocked(let blocker), .blockExpired(let blocker): [blocker]
      case .blocked, .refused, .done: []
      }
    case .interactionChanged(let interaction) where StateRule.of(interaction.state).isTerminal:
      blockBook.on(interaction.interactionID).map(\.blocker)
    case .interactionChanged, .userDataChanged, .caseChanged, .relayed: []
    }
  }

  /// An event about the interaction of a block.
  func event(_ kind: MarkdoneEvent.Kind, of block: MarkdoneBlock) -> WorkspaceEvent {
    guard let record = records[block.interactionID] else { preconditionFailure("a block outlived its interaction") }
    return .markdone(
      MarkdoneEvent(kind: kind, interactionID: block.interactionID, caseID: record.interaction.caseID))
  }

  private func checkBlockLimits(_ id: Identifier, _ warningMessage: String, by blocker: Blocker) throws(Failure) {
    guard warningMessage.utf8.count <= rules.warningMessageBytesMax else {
      throw Failure(
        .invalidParameters,
        "warningMessage has \(warningMessage.utf8.count) bytes, allowed are \(rules.warningMessageBytesMax) "
          + "(warningMessageBytesMax)")
    }
    let others = blockBook.on(id).count { $0.blocker != blocker }
    guard others < rules.blocksPerInteractionMax else {
      throw Failure(
        .limitExceeded,
        "interaction \"\(id)\" has \(others) blocks, the most it may have (blocksPerInteractionMax)")
    }
  }
}
