package import CasebusProtocol

extension Workspace {
  /// What a command leads to: no event where everything is already so.
  ///
  /// A mark done that meets a block is decided, too: its event is ``MarkdoneEvent/Kind/refused(warningMessage:remainingMilliseconds:)``,
  /// from which the answer follows (``WorkspaceEvent/refusal``).
  /// - Parameters:
  ///   - blocker: who asks; it owns the blocks that it makes.
  ///   - other: whom the asker was before; blocks that it made then it may lift, too.
  ///   - now: starts the deadline of a block.
  /// - Throws: ``Failure``; nothing happens.
  package func decide(_ command: Command, by blocker: Blocker, or other: Blocker? = nil, at now: Timestamp)
    throws(Failure) -> [WorkspaceEvent]
  {
    switch command {
    case .assertState(let state, let attributes): try decideStateAssertion(state, attributes)
    case .assertCase(let kind, let caseID): try decideCaseAssertion(kind, caseID)
    case .relay(let name, let data): [.relayed(name, data: data)]
    case .setUserData(let id, let userData): try decideSetUserData(id, userData)
    case .deleteUserData(let id, let key): try decideDeleteUserData(id, key)
    case .selectCase(let caseID): try decideSelectCase(caseID)
    case .markdone(let id): try decideMarkdone(id, at: now)
    case .blockMarkdone(let id, let warning): try decideBlock(id, warning, by: blocker, at: now)
    case .unblockMarkdone(let id): try decideUnblock(id, by: blocker, or: other)
    case .blockerLeft: blockBook.of(blocker).map { block in event(.unblocked(blocker), of: block) }
    }
  }

  /// What the passing of time leads to: the blocks whose deadline has come expire.
  package func deadlineReached(at now: Timestamp) -> [WorkspaceEvent] {
    blockBook.expired(at: now).map { event(.blockExpired($0.blocker), of: $0) }
  }

  func record(_ id: Identifier) throws(Failure) -> InteractionRecord {
    guard let record = records[id] else {
      throw Failure(.interactionNotFound, "there is no interaction \"\(id)\" in this workspace")
    }
    return record
  }
}

extension WorkspaceEvent {
  /// Why the command that led to this event was nevertheless not carried out; nil if it was.
  package var refusal: Failure? {
    guard case .markdone(let event) = self, case .refused(let warningMessage, _) = event.kind else { return nil }
    return Failure(.markdoneBlocked, warningMessage)
  }
}
