public import CasebusProtocol
import OrderedCollections

/// The central state machine of one agent's desktop (Protocol §6–§8): interactions, the cases they are grouped in, and
/// the blocks that keep them from being marked done.
///
/// Pure: ``decide(_:by:at:)`` says what would happen, ``evolve(_:)`` makes it so. The state is the fold of `evolve` over
/// the events, so a replay of the journal gives the same state. Time and identities are arguments.
public struct Workspace: Hashable, Sendable {
  public let rules: WorkspaceRules

  /// In the order of their creation.
  var records: OrderedDictionary<String, InteractionRecord> = [:]
  /// The case that is selected; nil if none is.
  public internal(set) var selectedCaseID: String?
  /// The cases that are expanded, in the order they were.
  public internal(set) var expandedCaseIDs: [String] = []
  /// Every block that stands, the newest last.
  public internal(set) var blocks: [MarkdoneBlock] = []
  /// How large the interactions and blocks are, as JSON (`workspaceBytesMax`).
  public internal(set) var byteCount = 0
  /// How many state changes were accepted that the transition table does not have (lenient rules only).
  public internal(set) var irregularTransitions = 0

  public init(rules: WorkspaceRules = WorkspaceRules()) {
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
  public func interaction(_ id: String) -> Interaction? {
    records[id].map(current)
  }

  /// All interactions in the order of their creation.
  public var interactions: [Interaction] { records.values.map(current) }

  /// Whether there is nothing to remember.
  public var isEmpty: Bool { records.isEmpty }

  /// Whether any interaction is part of this case.
  public func hasCase(_ id: String) -> Bool {
    records.values.contains { $0.interaction.caseID == id }
  }

  /// When ``deadlineReached(at:)`` has something to say next; nil if nothing is pending.
  public var nextDeadline: Timestamp? { blocks.lazy.map(\.deadline).min() }

  private func current(_ record: InteractionRecord) -> Interaction {
    withCaseFlags(record.interaction)
  }

  /// The interaction with the flags that mirror its case.
  func withCaseFlags(_ interaction: Interaction) -> Interaction {
    var interaction = interaction
    interaction.isCaseSelected = selectedCaseID == interaction.caseID
    interaction.isCaseExpanded = expandedCaseIDs.contains(interaction.caseID)
    return interaction
  }
}
