import CasebusProtocol
import CasebusTestSupport
import CasebusWorkspace
import NIOCore
import Testing

/// Thousands of random command sequences, each with a seed; what must always hold, holds.
@Suite struct PropertyTests {
  @Test(arguments: 0..<3_000)
  func invariantsHoldAfterEveryCommand(_ seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    var rules = WorkspaceRules()
    rules.transitions = seed % 4 == 0 ? .lenient : .strict
    rules.blockMarkdoneTimeoutMilliseconds = 500
    var desk = Desk(rules: rules)
    var states: [Identifier: InteractionState] = [:]
    for _ in 0..<60 {
      let before = desk.workspace
      let count = desk.history.count
      if Int.random(in: 0..<6, using: &random) == 0 {
        // The wall clock may be set back.
        desk.wait(milliseconds: .random(in: -20..<300, using: &random))
      } else {
        let blocker = Blocker.session(["a", "b"].randomElement(using: &random)!)
        do { try desk.run(Command.random(using: &random), by: blocker) } catch { #expect(desk.workspace == before) }
      }
      for event in desk.history[count...] { Self.check(event, &states, rules) }
      Self.checkState(desk)
    }
    try Self.checkReplay(desk, rules, snapshotAfter: desk.history.isEmpty ? 0 : seed % desk.history.count)
  }

  /// The journaled form of the events, from the beginning or from a snapshot on, gives the same state.
  static func checkReplay(_ desk: Desk, _ rules: WorkspaceRules, snapshotAfter count: Int) throws {
    var replayed = Workspace(rules: rules)
    for (index, event) in desk.history.enumerated() {
      if index == count { replayed = try replayed.throughSnapshot() }
      let kept = try event.throughJournal()
      #expect(kept == event)
      #expect(try event.throughOldJournal() == event)
      replayed.evolve(kept, at: desk.times[index])
    }
    #expect(replayed == desk.workspace)
    #expect(zip(desk.times, desk.times.dropFirst()).allSatisfy(<=))
  }

  /// previousState is right, and nothing is said of an interaction after its terminal state.
  static func check(_ event: WorkspaceEvent, _ states: inout [Identifier: InteractionState], _ rules: WorkspaceRules) {
    switch event {
    case .interaction(.stateChanged(let interaction)):
      let id = interaction.interactionID
      if let state = states[id], state != interaction.state { #expect(interaction.previousState == state) }
      if states[id] == nil { #expect(interaction.previousState == nil) }
      states[id] = StateRule.of(interaction.state).isTerminal ? nil : interaction.state
    case .interaction(.userDataChanged(let interaction, _)):
      #expect(states[interaction.interactionID] == interaction.state)
    case .markdone(let event):
      // Lenient rules take an interaction that is new and done at once.
      #expect(
        states[event.interactionID] != nil || (event.kind == .done(by: .publish) && rules.transitions == .lenient))
    case .caseChanged, .relayed:
      break
    }
  }

  static func checkState(_ desk: Desk) {
    let workspace = desk.workspace
    for interaction in workspace.interactions {
      #expect(interaction.isCaseSelected == (workspace.selectedCaseID == interaction.caseID))
      #expect(interaction.isCaseExpanded == workspace.expandedCaseIDs.contains(interaction.caseID))
      #expect(!StateRule.of(interaction.state).isTerminal)
    }
    #expect(workspace.selectedCaseID.map(workspace.hasCase) ?? true)
    #expect(workspace.expandedCaseIDs.allSatisfy(workspace.hasCase))
    #expect(Set(workspace.expandedCaseIDs).count == workspace.expandedCaseIDs.count)
    for block in workspace.blocks {
      #expect(workspace.interaction(block.interactionID) != nil)
      #expect(block.deadline.milliseconds(since: desk.now) <= 500 + 60 * 20)
    }
    let overdue = workspace.blocks.contains { $0.deadline <= desk.now }
    #expect(overdue == !workspace.deadlineReached(at: desk.now).isEmpty)
    #expect(!overdue, "a block outlived its deadline")
  }
}

extension Command {
  static func random(using random: inout SplitMix64) -> Command {
    let id = ["1", "2", "3"].randomElement(using: &random)!
    let caseID = ["1", "2", "c"].randomElement(using: &random)!
    switch Int.random(in: 0..<16, using: &random) {
    case 0..<7:
      var attributes: JSONObject = ["interactionId": .string(id)]
      if Bool.random(using: &random) { attributes["caseId"] = .string(caseID) }
      if Bool.random(using: &random) { attributes["callUuid"] = "u" }
      if Int.random(in: 0..<4, using: &random) == 0 {
        attributes["interactionUUID"] = [.null, "i"].randomElement(using: &random)!
      }
      if Bool.random(using: &random) { attributes["userData"] = ["k": .string(caseID)] }
      return .assertState(InteractionState.allCases.randomElement(using: &random)!, attributes: attributes)
    case 7:
      let kind = [CaseEvent.Kind.collapsed, .expanded, .selected].randomElement(using: &random)!
      return .assertCase(kind, caseID: Identifier(caseID))
    case 8: return .setUserData(interactionID: Identifier(id), [caseID: 1])
    case 9: return .deleteUserData(interactionID: Identifier(id), key: caseID)
    case 10, 11: return .selectCase(caseID: Identifier(caseID))
    case 12: return .markdone(interactionID: Identifier(id))
    case 13: return .blockMarkdone(interactionID: Identifier(id), warningMessage: caseID)
    case 14: return .unblockMarkdone(interactionID: Identifier(id))
    default: return .blockerLeft
    }
  }
}

extension WorkspaceEvent {
  func throughJournal() throws -> WorkspaceEvent {
    var data = ByteBuffer()
    writeData(into: &data)
    var detail = ByteBuffer()
    writeDetail(into: &detail)
    return try WorkspaceEvent(replaying: name, kind: kind, data: data, detail: detail)
  }

  /// As journals of before schema 4 had it: without a kind, and with a mark on user data.
  func throughOldJournal() throws -> WorkspaceEvent {
    var data = ByteBuffer()
    writeData(into: &data)
    var detail = ByteBuffer()
    writeDetail(into: &detail)
    if case .interaction(.userDataChanged) = self {
      var members = detail.readableBytes == 0 ? [:] : try JSONValue(parsing: String(buffer: detail)).objectValue!
      members["isUserData"] = true
      detail.clear()
      detail.writeJSON(.object(members))
    }
    return try WorkspaceEvent(replaying: name, kind: "", data: data, detail: detail)
  }
}

extension Workspace {
  func throughSnapshot() throws -> Workspace {
    var snapshot = ByteBuffer()
    writeSnapshot(into: &snapshot)
    return try Workspace(snapshot: snapshot, rules: rules)
  }
}
