import CasebusProtocol
import CasebusTestSupport
import CasebusWorkspace
import Testing

/// The table of the code is that of `Protocol/registry/interaction-states.json`.
@Suite struct StateRuleTests {
  static let rows = try! ProtocolFile.json("registry/interaction-states.json")["states"]!.arrayValue!

  @Test(arguments: rows)
  func ruleIsTheRegistrys(_ row: JSONValue) throws {
    let state = try #require(InteractionState(rawValue: row["state"]!.stringValue!))
    let rule = StateRule.of(state)
    #expect(rule.isInitial == row["initial"]?.booleanValue)
    #expect(rule.isTerminal == row["terminal"]?.booleanValue)
    #expect(rule.isTransient == row["transient"]?.booleanValue)
    guard !rule.isTransient else { return }
    #expect(rule.allowsMarkdone == row["markdone"]?.booleanValue)
    #expect(rule.isLive == row["live"]?.booleanValue)
    #expect(Set(rule.next.map(\.rawValue)) == Set(row["next"]!.arrayValue!.map { $0.stringValue! }))
  }

  @Test(arguments: InteractionState.allCases)
  func markdoneIsAllowedExactlyWhereCompletedMayFollow(_ state: InteractionState) {
    #expect(StateRule.of(state).allowsMarkdone == StateRule.of(state).next.contains(.completed))
  }

  @Test(arguments: InteractionState.allCases)
  func nothingFollowsATerminalState(_ state: InteractionState) {
    let rule = StateRule.of(state)
    #expect(!rule.isTerminal || (rule.next.isEmpty && !rule.isInitial))
  }
}
