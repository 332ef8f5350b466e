import CasebusProtocol
import struct NIOCore.ByteBuffer

/// The interactions of a workspace, and their number in each case.
struct Interactions: Hashable, Sendable {
  /// In the order of their creation.
  private var records = ArrivalDictionary<Identifier, InteractionRecord>()
  /// The number of interactions per case; a case without any has no entry.
  private var countsByCase: [Identifier: Int] = [:]
  /// The size of the interactions, as JSON.
  private(set) var byteCount = 0
  /// How many accepted state changes were not in the transition table.
  private(set) var irregularTransitions = 0

  init() {}

  var count: Int { records.count }

  func count(inCase id: Identifier) -> Int { countsByCase[id, default: 0] }

  subscript(id: Identifier) -> InteractionRecord? { records[id] }

  /// In the order of their creation, with the case flags of their last events.
  var all: some Sequence<Interaction> { records.values.lazy.map(\.interaction) }

  func record(_ id: Identifier) throws(Failure) -> InteractionRecord {
    guard let record = records[id] else {
      throw Failure(.interactionNotFound, "there is no interaction \"\(id)\" in this workspace")
    }
    return record
  }
}

extension Interactions {
  /// - Returns: the removed interaction; nil if none was removed.
  mutating func evolve(_ event: InteractionEvent) -> Identifier? {
    switch event {
    case .stateChanged(let interaction):
      return changeState(of: interaction)
    case .userDataChanged(let interaction, _):
      changeUserData(of: interaction)
      return nil
    }
  }

  private mutating func changeState(of interaction: Interaction) -> Identifier? {
    let id = interaction.interactionID
    let rule = StateRule.of(interaction.state)
    let old = records[id]
    if !StateRule.allows(interaction.state, after: old) { irregularTransitions += 1 }
    if rule.isTerminal {
      set(nil, for: id, replacing: old)
      return id
    }
    let settled = rule.isTransient ? old?.settledState ?? .unknown : interaction.state
    set(InteractionRecord(interaction: interaction, settledState: settled), for: id, replacing: old)
    return nil
  }

  private mutating func changeUserData(of interaction: Interaction) {
    let id = interaction.interactionID
    guard let old = records[id] else { return }
    set(InteractionRecord(interaction: interaction, settledState: old.settledState), for: id, replacing: old)
  }

  /// Sets or removes an interaction, and counts it in its case.
  private mutating func set(_ record: InteractionRecord?, for id: Identifier, replacing old: InteractionRecord?) {
    records[id] = record
    byteCount += (record?.byteCount ?? 0) - (old?.byteCount ?? 0)
    let (left, entered) = (old?.interaction.caseID, record?.interaction.caseID)
    guard left != entered else { return }
    if let left, let count = countsByCase[left] { countsByCase[left] = count > 1 ? count - 1 : nil }
    if let entered { countsByCase[entered, default: 0] += 1 }
  }
}

// MARK: - Snapshot

extension Interactions {
  /// In journals of schema 1 the first member tells that a snapshot has no interactions.
  func writeSnapshotMembers(into buffer: inout ByteBuffer) {
    buffer.writeJSONMember("interactions") {
      $0.writeJSONArray(Array(records.values)) { $1.writeSnapshot(into: &$0) }
    }
    buffer.writeJSONMember("irregularTransitions", Int64(irregularTransitions))
  }

  init(snapshot: JSONValue) throws(ReplayError) {
    for value in snapshot["interactions"]?.arrayValue ?? [] {
      let record = try InteractionRecord(snapshot: value)
      set(record, for: record.interaction.interactionID, replacing: nil)
    }
    irregularTransitions = Int(try snapshot.integer("irregularTransitions"))
  }
}
