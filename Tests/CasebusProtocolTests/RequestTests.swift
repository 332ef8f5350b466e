import CasebusProtocol
import CasebusTestSupport
import Testing

/// The requests of the code are those of `registry/requests.json`, row by row.
@Suite struct RequestRegistryTests {
  static let rows = try! ProtocolFile.json("registry/requests.json")["requests"]!.arrayValue!

  @Test func everyRowOfTheRegistryIsInTheCode() {
    for row in Self.rows {
      let signature = RequestTable.signature(named: row["name"]!.stringValue!)
      #expect(signature?.row == Self.comparable(row), "\(row["name"]!)")
    }
  }

  @Test func everyRequestOfTheCodeIsInTheRegistry() {
    let names = Self.rows.map { $0["name"]!.stringValue! }
    #expect(RequestTable.signatures.map(\.name).sorted() == names)
  }

  @Test func everyKindOfParameterIsInTheSchemaOfTheRegistry() throws {
    let schema = try ProtocolFile.json("schemas/registry/requests.json")
    let row = schema["properties"]!["requests"]!["items"]!["properties"]!
    let kinds = row["parameters"]!["items"]!["properties"]!["type"]!["enum"]!.arrayValue!
    #expect(Set(kinds) == Set(RequestParameter.Kind.allCases.map { .string($0.rawValue) }))
    #expect(
      Set(row["scopes"]!["items"]!["enum"]!.arrayValue!) == Set(RequestScope.allCases.map { .string($0.rawValue) }))
    let permissions = row["permission"]!["enum"]!.arrayValue!
    #expect(Set(permissions) == Set(RequestPermission.allCases.map { .string($0.rawValue) }))
  }

  /// What only the pages need is left out.
  private static func comparable(_ row: JSONValue) -> JSONValue {
    [
      "name": row["name"]!, "aliases": row["aliases"]!, "scopes": row["scopes"]!, "permission": row["permission"]!,
      "parameters": .array(
        row["parameters"]!.arrayValue!.map {
          ["name": $0["name"]!, "type": $0["type"]!, "optional": $0["optional"] ?? false]
        }),
    ]
  }
}

extension RequestSignature {
  fileprivate var row: JSONValue {
    [
      "name": .string(name), "aliases": .array(aliases.map(JSONValue.string)),
      "scopes": .array(scopes.map { .string($0.rawValue) }), "permission": .string(permission.rawValue),
      "parameters": .array(
        parameters.map {
          ["name": .string($0.name), "type": .string($0.kind.rawValue), "optional": .boolean($0.isOptional)]
        }),
    ]
  }
}

@Suite struct RequestTests {
  static let failures: [(name: String, parameters: [JSONValue], scope: RequestScope, code: ErrorCode, text: String)] = [
    (
      "interaction.markdone", [], .workspace, .invalidParameters,
      "interaction.markdone got 0 parameters, expected interactionId"
    ),
    (
      "interaction.getInteractions", [1], .workspace, .invalidParameters,
      "interaction.getInteractions got 1 parameters, expected none"
    ),
    (
      "interaction.setUserData", ["1", []], .workspace, .invalidParameters,
      "interaction.setUserData: parameter 2 (keyValues) is an array, expected an object"
    ),
    (
      "interaction.selectCaseByCaselId", [1], .workspace, .invalidParameters,
      "interaction.selectCaseByCaselId: parameter 1 (caseId) is a number, expected a string"
    ),
    (
      "messenger.broadcastMessage", ["", 1], .workspace, .invalidParameters,
      "messenger.broadcastMessage: parameter 1 (channel) is a string, expected a channel name of 1 to 128 bytes without control characters"
    ),
    (
      "consumer.get", ["a b"], .monitor, .invalidParameters,
      "consumer.get: parameter 1 (name) is a string, expected the name of a durable consumer, 1 to 64 of A-Z a-z 0-9 . _ -"
    ),
    (
      "consumer.redeliver", ["a", ["x": 1]], .workspace, .invalidParameters,
      "consumer.redeliver: parameter 2 (which): it has the member \"x\", expected workspaceId and offset at most"
    ),
    (
      "interaction.markdone", ["1"], .monitor, .workspaceRequired,
      "interaction.markdone needs a workspace and this connection is for all of them: name one in the message, such as "
        + "\"workspaceId\":\"agent-7\", or connect with ?workspace=<id>"
    ),
    // The connection comes before the parameters, the name before both.
    (
      "interaction.markdone", [], .monitor, .workspaceRequired,
      "interaction.markdone needs a workspace and this connection is for all of them: name one in the message, such as "
        + "\"workspaceId\":\"agent-7\", or connect with ?workspace=<id>"
    ),
    ("voice.dial", [], .monitor, .unknownRequest, "Casebus does not offer the request \"voice.dial\""),
  ]

  @Test(arguments: failures.indices) func requestThatIsNotGoodFails(_ index: Int) {
    let row = Self.failures[index]
    let failure = #expect(throws: Failure.self) { try Request(row.name, row.parameters).check(on: row.scope) }
    #expect(failure == Failure(row.code, row.text))
  }

  @Test(arguments: [
    ("interaction.markdon", "interaction.markdone"), ("interaction.Markdone", "interaction.markdone"),
    ("interaction.blockMarkdown", "interaction.blockMarkdone"), ("consumer.lsit", "consumer.list"),
    ("interaction.getinteractions", "interaction.getInteractions"),
    ("system.getAllowedService", "system.getAllowedServices"), ("interaction markdone", "interaction.markdone"),
  ]) func unknownNameIsAnsweredWithTheNearestOne(_ name: String, _ nearest: String) {
    let failure = #expect(throws: Failure.self) { try Request(name).check(on: .workspace) }
    #expect(failure?.message == "Casebus does not offer the request \"\(name)\", did you mean \"\(nearest)\"?")
  }

  @Test(arguments: [
    "", "x", "markdone", "voice.dial", "interaction.explode", "consumer.foo", "agent.setState", "INTERACTION.MARKDONE",
    "interaction.markdone" + String(repeating: "e", count: 50), String(repeating: "é", count: 100_000),
  ]) func unknownNameThatIsNearNoneIsAnsweredWithout(_ name: String) {
    let failure = #expect(throws: Failure.self) { try Request(name).check(on: .workspace) }
    #expect(failure == Failure(.unknownRequest, "Casebus does not offer the request \"\(name)\""))
  }
}

@Suite struct NearestNameTests {
  @Test(arguments: [
    ("sessions-max", "sessions-max", true), ("sesions-max", "sessions-max", true),
    ("sessions-mxa", "sessions-max", true),
    ("sesion-mx", "sessions-max", false), ("abcde", "abcdf", false), ("abcdef", "abcdeg", true),
  ]) func nameIsNearWithFewChanges(_ text: String, _ name: String, _ isNear: Bool) {
    #expect(text.nearest(among: ["something-else", name]) == (isNear ? name : nil))
  }

  @Test func firstOfTheNearestIsTaken() {
    #expect("abcdef-1".nearest(among: ["abcdef-22", "abcdef-2", "abcdef-3"]) == "abcdef-2")
  }
}
