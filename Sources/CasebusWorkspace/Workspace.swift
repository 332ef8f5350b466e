package import CasebusProtocol

/// The central state machine of one agent's desktop (Protocol §6–§8): interactions, the cases they are grouped in, and
/// the blocks that keep them from being marked done.
///
/// Pure: ``decide(_:by:at:)`` says what would happen, ``evolve(_:)`` makes it so. The state is the fold of `evolve` over
/// the events, so a replay of the journal gives the same state. Time and identities are arguments.
package struct Workspace: Hashable, Sendable {
  package let rules: WorkspaceRules

  /// In the order of their creation.
  var records = ArrivalDictionary<Identifier, InteractionRecord>()
  /// How many interactions each case has; a case without any is gone.
  var interactionCounts: [Identifier: Int] = [:]
  /// The case that is selected; nil if none is.
  package internal(set) var selectedCaseID: Identifier?
  /// The cases that are expanded, in the order they were.
  var expanded = ArrivalOrder<Identifier>()
  var blockBook = MarkdoneBlocks()
  /// How large the interactions are, as JSON.
  var recordBytes = 0
  /// When the newest event was decided.
  package internal(set) var newestEventTime = Timestamp(milliseconds: 0)
  /// How many state changes were accepted that the transition table does not have (lenient rules only).
  package internal(set) var irregularTransitions = 0

  package init(rules: WorkspaceRules = WorkspaceRules()) {
    self.rules = rules
  }
}

/// An interaction and what the state machine must remember of it.
struct InteractionRecord: Hashable, Sendable {
  /// Its case flags are those of its last event; ``Workspace/interaction(_:)`` gives the current ones.
  let interaction: Interaction
  /// The last state that was not transient.
  let settledState: InteractionState
  /// How large the interaction is in the workspace.
  let byteCount: Int

  init(interaction: Interaction, settledState: InteractionState) {
    self.interaction = interaction
    self.settledState = settledState
    byteCount = Self.byteCount(of: interaction)
  }

  /// The rule that governs the interaction now.
  var rule: StateRule { .of(settledState) }
}

extension Workspace {
  /// The interaction as it is now; nil if there is none.
  package func interaction(_ id: Identifier) -> Interaction? {
    records[id].map(current)
  }

  /// All interactions in the order of their creation.
  package var interactions: [Interaction] { records.values.map(current) }

  /// Whether there is nothing to remember.
  package var isEmpty: Bool { records.isEmpty }

  /// Whether any interaction is part of this case.
  package func hasCase(_ id: Identifier) -> Bool { interactionCounts[id] != nil }

  /// The cases that are expanded, in the order they were.
  package var expandedCaseIDs: [Identifier] { Array(expanded) }

  /// Every block that stands, the newest last.
  package var blocks: [MarkdoneBlock] { blockBook.all }

  /// Whether a block of this blocker stands.
  package func hasBlocks(of blocker: Blocker) -> Bool { blockBook.hasBlocks(of: blocker) }

  /// When ``deadlineReached(at:)`` has something to say next; nil if nothing is pending.
  package var nextDeadline: Timestamp? { blockBook.nextDeadline }

  /// The time of what is decided now: never before that of an event that there is, also where the clock was set back.
  package func eventTime(at now: Timestamp) -> Timestamp { max(now, newestEventTime) }

  private func current(_ record: InteractionRecord) -> Interaction {
    withCaseFlags(record.interaction)
  }

  /// The interaction with the flags that mirror its case.
  func withCaseFlags(_ interaction: Interaction) -> Interaction {
    var interaction = interaction
    interaction.isCaseSelected = selectedCaseID == interaction.caseID
    interaction.isCaseExpanded = expanded.contains(interaction.caseID)
    return interaction
  }
}
