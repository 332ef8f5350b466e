import CasebusProtocol
import CasebusTestSupport
import Testing

/// The enums of the code are the registries of the protocol.
@Suite struct RegistryTests {
  @Test func errorCodesAreTheRegistrys() throws {
    let codes = try ProtocolFile.json("registry/errors.json")["errors"]!.arrayValue!.map { $0["code"]!.stringValue! }
    #expect(Set(codes) == Set(ErrorCode.allCases.map(\.rawValue)))
  }

  @Test func closeCodesThatTheBrokerSendsAreTheRegistrys() throws {
    let rows = try ProtocolFile.json("registry/close-codes.json")["closeCodes"]!.arrayValue!
    for code in CloseCode.allCases {
      let row = try #require(rows.first { $0["code"] == .number(JSONNumber(code.rawValue)) }, "\(code)")
      #expect(row["name"]?.stringValue == code.name)
    }
    let sent = rows.filter { $0["brokerSends"] == true }.map { $0["name"]! }
    #expect(Set(sent).isSubset(of: Set(CloseCode.allCases.map { .string($0.name) })))
  }

  @Test func statesAreTheRegistrys() throws {
    let states = try ProtocolFile.json("registry/interaction-states.json")["states"]!.arrayValue!
    #expect(Set(states.map { $0["state"]!.stringValue! }) == Set(InteractionState.allCases.map(\.rawValue)))
    #expect(InteractionState.allCases.count == 30)
  }
}

@Suite struct IdentifierTests {
  @Test(arguments: ["a", "default", "Agent.7_x-Y", String(repeating: "w", count: 64)])
  func goodWorkspaceIsTaken(_ text: String) {
    #expect(WorkspaceID(text)?.text == text)
  }

  @Test(arguments: ["", "*", "a b", "ä", "a/b", "a\n", String(repeating: "w", count: 65)])
  func badWorkspaceIsRefused(_ text: String) {
    #expect(WorkspaceID(text) == nil)
  }

  @Test func scopeOfAConnection() {
    #expect(WorkspaceScope(queryValue: nil) == .workspace(.default))
    #expect(WorkspaceScope(queryValue: "*") == .all)
    #expect(WorkspaceScope(queryValue: "a")?.description == "a")
    #expect(WorkspaceScope(queryValue: "a b") == nil)
  }

  @Test(arguments: EventName.fixed.map(\.description) + ["messenger:a", "messenger:a b:c", "messenger:é"])
  func goodEventNameIsTaken(_ text: String) {
    #expect(EventName(text)?.description == text)
  }

  @Test(arguments: ["", "Interaction", "messenger", "messenger:", "messenger:\n", "messenger:\u{7F}", "*", "call"])
  func badEventNameIsRefused(_ text: String) {
    #expect(EventName(text) == nil)
  }
}
