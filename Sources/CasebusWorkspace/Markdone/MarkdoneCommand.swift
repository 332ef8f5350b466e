package import CasebusProtocol

/// A command about marking an interaction done.
package enum MarkdoneCommand: Hashable, Sendable {
  case markdone(interactionID: Identifier)
  case block(interactionID: Identifier, warningMessage: String)
  case unblock(interactionID: Identifier)
  /// The blocker is gone for good; its blocks go with it.
  case blockerLeft
}

extension Command {
  package static func markdone(interactionID: Identifier) -> Command {
    .markdone(.markdone(interactionID: interactionID))
  }

  package static func blockMarkdone(interactionID: Identifier, warningMessage: String) -> Command {
    .markdone(.block(interactionID: interactionID, warningMessage: warningMessage))
  }

  package static func unblockMarkdone(interactionID: Identifier) -> Command {
    .markdone(.unblock(interactionID: interactionID))
  }

  /// The blocker is gone for good; its blocks go with it.
  package static var blockerLeft: Command { .markdone(.blockerLeft) }
}

// MARK: - Deciding

extension MarkdoneCommand {
  func decide(
    in workspace: Workspace, by blocker: Blocker, or other: Blocker?, at now: Timestamp
  ) throws(Failure) -> [WorkspaceEvent] {
    switch self {
    case .markdone(let id): try workspace.decideMarkdone(id, at: now)
    case .block(let id, let warning): try workspace.decideBlock(id, warning, by: blocker, at: now)
    case .unblock(let id): try workspace.decideUnblock(id, by: blocker, or: other)
    case .blockerLeft: workspace.decideBlockerLeft(blocker)
    }
  }
}

extension Workspace {
  fileprivate func decideMarkdone(_ id: Identifier, at now: Timestamp) throws(Failure) -> [WorkspaceEvent] {
    let record = try interactionState.record(id)
    guard record.rule.allowsMarkdone else {
      throw Failure(
        .illegalState,
        "interaction \"\(id)\" is \(record.interaction.state.rawValue) and cannot be marked done, "
          + "allowed in: \(StateRule.list(where: \.allowsMarkdone))")
    }
    if let newest = markdoneState.on(id).last {
      let remaining = max(0, newest.deadline.milliseconds(since: now))
      return [
        markdoneEvent(.refused(warningMessage: newest.warningMessage, remainingMilliseconds: remaining), of: newest)
      ]
    }
    var completed = record.interaction
    completed.previousState = completed.state
    completed.state = .completed
    return InteractionChange(from: record.interaction, to: completed, by: .request).events(in: self)
  }

  fileprivate func decideBlock(
    _ id: Identifier, _ warningMessage: String, by blocker: Blocker, at now: Timestamp
  ) throws(Failure) -> [WorkspaceEvent] {
    _ = try interactionState.record(id)
    try checkBlockLimits(id, warningMessage, by: blocker)
    let timeout = rules.blockMarkdoneTimeoutMilliseconds
    let block = MarkdoneBlock(
      interactionID: id, blocker: blocker, warningMessage: warningMessage,
      deadline: now.advanced(byMilliseconds: timeout))
    let old = markdoneState.block(of: blocker, on: id)
    try checkRoom(forBytes: block.byteCount - (old?.byteCount ?? 0))
    return [markdoneEvent(.blocked(block, timeoutMilliseconds: timeout), of: block)]
  }

  /// Lifts the blocker's own blocks, the older one first. Without a block there is no event: it can just have expired.
  fileprivate func decideUnblock(
    _ id: Identifier, by blocker: Blocker, or other: Blocker?
  ) throws(Failure) -> [WorkspaceEvent] {
    _ = try interactionState.record(id)
    return markdoneState.on(id).filter { $0.blocker == blocker || $0.blocker == other }
      .map { markdoneEvent(.unblocked($0.blocker), of: $0) }
  }

  fileprivate func decideBlockerLeft(_ blocker: Blocker) -> [WorkspaceEvent] {
    markdoneState.of(blocker).map { markdoneEvent(.unblocked(blocker), of: $0) }
  }

  /// An event about the interaction of a block.
  func markdoneEvent(_ kind: MarkdoneEvent.Kind, of block: MarkdoneBlock) -> WorkspaceEvent {
    guard let record = interactionState[block.interactionID] else {
      preconditionFailure("a block outlived its interaction")
    }
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
    let others = markdoneState.on(id).count { $0.blocker != blocker }
    guard others < rules.blocksPerInteractionMax else {
      throw Failure(
        .limitExceeded,
        "interaction \"\(id)\" has \(others) blocks, the most it may have (blocksPerInteractionMax)")
    }
  }
}
