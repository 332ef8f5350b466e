package import CasebusProtocol

/// The central state machine of one agent's desktop (Protocol §6–§8): interactions, their cases, and the blocks that
/// prevent a mark done.
///
/// Pure: ``decide(_:by:or:at:)`` returns events, ``evolve(_:at:)`` applies them. The state is the fold of `evolve` over
/// the events, so a replay of the journal gives the same state. Time and identities are arguments.
///
/// Each domain has a folder with its commands, its events and its part of the state. Commands are decided from the whole
/// workspace; an event changes the parts.
package struct Workspace: Hashable, Sendable {
  package let rules: WorkspaceRules

  var interactionState = Interactions()
  var caseState = Cases()
  var markdoneState = MarkdoneBlocks()
  /// When the newest event was decided.
  package internal(set) var newestEventTime = Timestamp(milliseconds: 0)

  package init(rules: WorkspaceRules = WorkspaceRules()) {
    self.rules = rules
  }
}

// MARK: - What is in it

extension Workspace {
  /// The current interaction; nil if there is none.
  package func interaction(_ id: Identifier) -> Interaction? {
    interactionState[id].map { caseState.flagged($0.interaction) }
  }

  /// All interactions in the order of their creation.
  package var interactions: [Interaction] { interactionState.all.map(caseState.flagged) }

  /// Whether the state is that of an unused workspace.
  package var isEmpty: Bool { interactionState.count == 0 }

  /// How many accepted state changes were not in the transition table (lenient rules only).
  package var irregularTransitions: Int { interactionState.irregularTransitions }

  /// Whether the case exists: it has an interaction.
  package func hasCase(_ id: Identifier) -> Bool { interactionState.count(inCase: id) > 0 }

  /// The selected case; nil if none is.
  package var selectedCaseID: Identifier? { caseState.selectedCaseID }

  /// The expanded cases, in the order of their expanding.
  package var expandedCaseIDs: [Identifier] { Array(caseState.expanded) }

  /// All standing blocks, the newest last.
  package var blocks: [MarkdoneBlock] { markdoneState.all }

  /// Whether this blocker has a standing block.
  package func hasBlocks(of blocker: Blocker) -> Bool { markdoneState.hasBlocks(of: blocker) }

  /// When ``deadlineReached(at:)`` must be called; nil if there is no deadline.
  package var nextDeadline: Timestamp? { markdoneState.nextDeadline }

  /// The time of events that are decided now: never before an earlier event, also if the clock was set back.
  package func eventTime(at now: Timestamp) -> Timestamp { max(now, newestEventTime) }
}

// MARK: - Deciding

extension Workspace {
  /// The events of a command; none if nothing changes.
  ///
  /// A mark done that meets a block also succeeds here: its event is
  /// ``MarkdoneEvent/Kind/refused(warningMessage:remainingMilliseconds:)``, from which the answer follows
  /// (``WorkspaceEvent/refusal``).
  /// - Parameters:
  ///   - blocker: the caller; it owns the blocks that it sets.
  ///   - other: the caller's earlier identity; it can also lift the blocks of that one.
  ///   - now: starts the deadline of a block.
  /// - Throws: ``Failure``; nothing happens.
  package func decide(_ command: Command, by blocker: Blocker, or other: Blocker? = nil, at now: Timestamp)
    throws(Failure) -> [WorkspaceEvent]
  {
    switch command {
    case .interaction(let command): try command.decide(in: self)
    case .cases(let command): try command.decide(in: self)
    case .markdone(let command): try command.decide(in: self, by: blocker, or: other, at: now)
    case .relay(let command): command.decide()
    }
  }

  /// The events of the passing of time: blocks whose deadline has passed expire.
  package func deadlineReached(at now: Timestamp) -> [WorkspaceEvent] {
    markdoneState.expired(at: now).map { markdoneEvent(.blockExpired($0.blocker), of: $0) }
  }

  /// The blocker whose block ends with an event that is not applied yet.
  package func blockers(freedBy event: WorkspaceEvent) -> [Blocker] {
    switch event {
    case .interaction(let event): event.endedInteraction.map { markdoneState.on($0).map(\.blocker) } ?? []
    case .markdone(let event): event.freedBlocker.map { [$0] } ?? []
    case .caseChanged, .relayed: []
    }
  }
}

// MARK: - Evolving

extension Workspace {
  /// Applies an event that ``decide(_:by:or:at:)`` or ``deadlineReached(at:)`` returned.
  /// - Parameter time: when it was decided (``eventTime(at:)``).
  package mutating func evolve(_ event: WorkspaceEvent, at time: Timestamp) {
    newestEventTime = max(newestEventTime, time)
    switch event {
    case .interaction(let event):
      if let ended = interactionState.evolve(event) { markdoneState.removeAll(on: ended) }
    case .caseChanged(let event): caseState.evolve(event)
    case .markdone(let event): markdoneState.evolve(event)
    case .relayed: break
    }
  }

  /// Limits all blocks to the longest time from now: the clock can have been set back since the state was stored.
  package mutating func limitDeadlines(at now: Timestamp) {
    markdoneState.limitDeadlines(to: now.advanced(byMilliseconds: rules.blockMarkdoneTimeoutMilliseconds))
  }
}

// MARK: - Size

/// The size of the state, updated with every change, so that no command visits all of it (Protocol §6.7).
///
/// Cases are not counted: the ids of expanded or selected ones are in the interactions.
extension Workspace {
  /// The size of the interactions and blocks, as JSON (`workspaceBytesMax`).
  package var byteCount: Int { interactionState.byteCount + markdoneState.byteCount }

  /// A change that makes something smaller is always accepted, so a state that was stored under greater limits can
  /// shrink.
  func checkRoom(forBytes growth: Int) throws(Failure) {
    guard growth > 0, byteCount + growth > rules.workspaceBytesMax else { return }
    throw Failure(
      .limitExceeded,
      "the workspace would have \(byteCount + growth) bytes, allowed are \(rules.workspaceBytesMax) (workspaceBytesMax)"
    )
  }
}
