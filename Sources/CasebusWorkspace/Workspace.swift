package import CasebusProtocol

/// The central state machine of one agent's desktop (Protocol §6–§8): interactions, the cases they are grouped in, and
/// the blocks that keep them from being marked done.
///
/// Pure: ``decide(_:by:or:at:)`` says what would happen, ``evolve(_:at:)`` makes it so. The state is the fold of `evolve`
/// over the events, so a replay of the journal gives the same state. Time and identities are arguments.
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
  /// The interaction as it is now; nil if there is none.
  package func interaction(_ id: Identifier) -> Interaction? {
    interactionState[id].map { caseState.flagged($0.interaction) }
  }

  /// All interactions in the order of their creation.
  package var interactions: [Interaction] { interactionState.all.map(caseState.flagged) }

  /// Whether there is nothing to remember.
  package var isEmpty: Bool { interactionState.count == 0 }

  /// How many state changes were accepted that the transition table does not have (lenient rules only).
  package var irregularTransitions: Int { interactionState.irregularTransitions }

  /// Whether any interaction is part of this case.
  package func hasCase(_ id: Identifier) -> Bool { interactionState.count(inCase: id) > 0 }

  /// The case that is selected; nil if none is.
  package var selectedCaseID: Identifier? { caseState.selectedCaseID }

  /// The cases that are expanded, in the order they were.
  package var expandedCaseIDs: [Identifier] { Array(caseState.expanded) }

  /// Every block that stands, the newest last.
  package var blocks: [MarkdoneBlock] { markdoneState.all }

  /// Whether a block of this blocker stands.
  package func hasBlocks(of blocker: Blocker) -> Bool { markdoneState.hasBlocks(of: blocker) }

  /// When ``deadlineReached(at:)`` has something to say next; nil if nothing is pending.
  package var nextDeadline: Timestamp? { markdoneState.nextDeadline }

  /// The time of what is decided now: never before that of an event that there is, also where the clock was set back.
  package func eventTime(at now: Timestamp) -> Timestamp { max(now, newestEventTime) }
}

// MARK: - Deciding

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
    case .interaction(let command): try command.decide(in: self)
    case .cases(let command): try command.decide(in: self)
    case .markdone(let command): try command.decide(in: self, by: blocker, or: other, at: now)
    case .relay(let command): command.decide()
    }
  }

  /// What the passing of time leads to: the blocks whose deadline has come expire.
  package func deadlineReached(at now: Timestamp) -> [WorkspaceEvent] {
    markdoneState.expired(at: now).map { markdoneEvent(.blockExpired($0.blocker), of: $0) }
  }

  /// Whose blocks end with an event that ``evolve(_:at:)`` has not made so yet.
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
  /// Makes an event so. Every event that ``decide(_:by:or:at:)`` or ``deadlineReached(at:)`` gave is accepted.
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

  /// The clock may have been set back since the state was kept. From now on no block stands longer than a block may.
  package mutating func limitDeadlines(at now: Timestamp) {
    markdoneState.limitDeadlines(to: now.advanced(byMilliseconds: rules.blockMarkdoneTimeoutMilliseconds))
  }
}

// MARK: - Size

/// How large the state is, kept with every change, so that no command has to look at all of it (Protocol §6.7).
///
/// Cases need no count of their own: the ids of those that are expanded or selected are in the interactions.
extension Workspace {
  /// How large the interactions and blocks are, as JSON (`workspaceBytesMax`).
  package var byteCount: Int { interactionState.byteCount + markdoneState.byteCount }

  /// What makes something smaller is always taken: a state that was kept under greater limits is not a dead end.
  func checkRoom(forBytes growth: Int) throws(Failure) {
    guard growth > 0, byteCount + growth > rules.workspaceBytesMax else { return }
    throw Failure(
      .limitExceeded,
      "the workspace would have \(byteCount + growth) bytes, allowed are \(rules.workspaceBytesMax) (workspaceBytesMax)"
    )
  }
}
