import CasebusConsole
import CasebusProtocol
import CasebusWorkspace
import Testing

@testable import casebus

@Suite struct ScriptTests {
  @Test func everyScriptOfAThousandSeedsObeysTheTransitionTableAndLeavesNothingBehind() throws {
    for seed in 0..<1000 as Range<UInt64> {
      var writer = ScriptWriter(seed: seed, agent: 0)
      for kind in Script.Kind.allCases {
        var desktop = RehearsedDesktop()
        for step in writer.write(kind).steps { try desktop.take(step) }
        #expect(desktop.workspace.isEmpty, "seed \(seed), \(kind)")
        #expect(desktop.workspace.selectedCaseID == nil && desktop.workspace.expandedCaseIDs.isEmpty)
      }
    }
  }

  @Test func interleavedScriptsOfOneAgentObeyTheTransitionTable() throws {
    for seed in 0..<50 as Range<UInt64> {
      var scenario = AgentScenario(seed: seed, agent: 3)
      var desktop = RehearsedDesktop()
      for _ in 0..<400 { try desktop.take(scenario.nextStep()) }
      #expect(desktop.workspace.interactions.count <= 7, "three pieces of work at a time")
      #expect(desktop.refusals > 0)
    }
  }

  @Test func sameSeedWritesTheSameScripts() {
    #expect(Self.steps(seed: 7, agent: 2) == Self.steps(seed: 7, agent: 2))
  }

  @Test func otherSeedsAndOtherAgentsWriteOtherScripts() {
    let scripts = [(7, 0), (8, 0), (7, 1), (8, 1)].map { Self.steps(seed: $0.0, agent: $0.1) }
    #expect(Set(scripts).count == scripts.count)
  }

  @Test func everyKindOfScriptIsPlayed() {
    #expect(Set(Lane.calls + Lane.openMedia) == Set(Script.Kind.allCases))
  }

  @Test func theScriptsReachEveryStateThatASourceAsserts() {
    let states = Self.steps(seed: 1, agent: 0, count: 5000).compactMap { step in
      if case .publishState(let state, _) = step.action { state } else { nil }
    }
    // UNKNOWN tells nothing; USER_DATA_ATTACHED comes of requests.
    #expect(Set(states) == Set(InteractionState.allCases).subtracting([.unknown, .userDataAttached]))
  }

  @Test(arguments: InteractionState.allCases.filter { !StateRule.of($0).isTerminal })
  func everyStateHasAWayOut(state: InteractionState) throws {
    var desktop = RehearsedDesktop()
    let begin: InteractionState = StateRule.of(state).isTransient ? .talking : state
    for state in [begin, state] + state.wayOut {
      let attributes: JSONObject = ["interactionId": "sim-1", "userData": ["disposition": "none"]]
      let action = state == .completed ? Step.Action.markdone : .publishState(state, attributes: attributes)
      try desktop.take(Step(pauseSeconds: 0, interactionID: "sim-1", action: action))
    }
    #expect(desktop.workspace.isEmpty)
  }

  private static func steps(seed: UInt64, agent: Int, count: Int = 200) -> [Step] {
    var scenario = AgentScenario(seed: seed, agent: agent)
    return (0..<count).map { _ in scenario.nextStep() }
  }
}
