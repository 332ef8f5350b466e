import CasebusAccess
import CasebusProtocol
import CasebusTestSupport
import Testing

/// The permissions of the code are `Protocol/registry/permissions.json`, in both directions.
@Suite struct PermissionTests {
  @Test func eachPermissionHasTheRolesOfTheRegistry() throws {
    let rows = try ProtocolFile.json("registry/permissions.json")["permissions"]!.arrayValue!
    #expect(rows.map { $0["permission"]!.stringValue! } == Permission.allCases.map(\.rawValue))
    for (row, permission) in zip(rows, Permission.allCases) {
      let roles = row["roles"]!.arrayValue!.map { $0.stringValue! }
      #expect(roles == Role.allCases.filter { $0.permissions.contains(permission) }.map(\.rawValue), "\(permission)")
    }
  }

  @Test func eachRoleConnectsToAllWorkspacesAsTheRegistrySays() throws {
    let rows = try ProtocolFile.json("registry/permissions.json")["allWorkspaces"]!.arrayValue!
    let table = rows.map { [$0["role"]!.stringValue!, $0["connect"]!.stringValue!] }
    #expect(table == Role.allCases.map { [$0.rawValue, $0.monitorScope.rawValue] })
  }

  /// Every role × every event × subscribe and publish, and every role × every request.
  @Test(arguments: Role.allCases) func policyFollowsTheTable(_ role: Role) throws {
    let policy = AccessPolicy(Principal(name: "p", grant: Grant(role: role, workspaces: [.all])))
    for name in EventName.fixed + [EventName(channel: "c")!] {
      #expect(isAllowed { try policy.subscribe(to: name) } == role.permissions.contains(.subscribe), "\(name)")
      if let permission = Permission(publishing: name) {
        #expect(isAllowed { try policy.publish(name) } == role.permissions.contains(permission), "\(name)")
      }
    }
    for signature in RequestTable.signatures {
      let expected = role.permissions.contains(Permission(signature.permission))
      #expect(isAllowed { try policy.request(signature) } == expected, "\(signature.name)")
      for scope in signature.scopes {
        #expect(policy.allowedRequests(on: scope).contains(signature.name) == expected, "\(signature.name)")
      }
    }
    #expect(isAllowed { try policy.administer() } == (role == .admin))
    #expect(isAllowed { try policy.provide() } == (role == .provider))
  }

  @Test func anonymousPrincipalMayDoEverything() {
    let policy = AccessPolicy(.anonymous)
    for scope in RequestScope.allCases {
      #expect(policy.allowedRequests(on: scope) == RequestTable.names(on: scope))
    }
    #expect(isAllowed { try policy.connect(to: WorkspaceScope.all) })
    #expect(isAllowed { try policy.publish(.interaction) })
  }

  @Test func denialNamesTheRequestAndTheRole() {
    let policy = AccessPolicy(Principal(grant: Grant(role: .monitor, workspaces: [.all])))
    let signature = RequestTable.signature(named: "interaction.markdone")!
    #expect(
      throws: AccessDenial("role monitor may not make the request interaction.markdone, expected agent or bot or admin")
    ) {
      try policy.request(signature)
    }
  }

  @Test func listsOfATokenNarrowItsRole() {
    let grant = Grant(
      role: .agent, workspaces: [.all], events: [NamePattern("interaction")!, NamePattern("messenger:crm")!],
      requests: [NamePattern("system.*")!])
    let policy = AccessPolicy(Principal(grant: grant))
    #expect(policy.allowedRequests(on: .workspace) == ["system.getAllowedServices"])
    #expect(isAllowed { try policy.subscribe(to: .interaction) })
    #expect(!isAllowed { try policy.subscribe(to: .markdone) })
    #expect(!isAllowed { try policy.publish(EventName(channel: "other")!) })
    #expect(isAllowed { try policy.publish(EventName(channel: "crm")!) })
  }

  @Test(arguments: [
    (Role.agent, "*", false), (.bot, "team-a.*", false), (.bot, "*", true), (.monitor, "team-a.*", true),
    (.admin, "a", true),
    (.source, "*", false), (.provider, "*", false),
  ])
  func connectingToAllWorkspaces(_ role: Role, _ pattern: String, _ expected: Bool) {
    let policy = AccessPolicy(Principal(grant: Grant(role: role, workspaces: [WorkspacePattern(pattern)!])))
    #expect(isAllowed { try policy.connect(to: WorkspaceScope.all) } == expected)
  }

  @Test func monitorOfAPatternNeedsAPatternThatIncludesIt() {
    let policy = AccessPolicy(Principal(grant: Grant(role: .monitor, workspaces: [WorkspacePattern("team-a.*")!])))
    #expect(isAllowed { try policy.connect(to: WorkspacePattern("team-a.*")!) })
    #expect(isAllowed { try policy.connect(to: WorkspacePattern("team-a.b.*")!) })
    #expect(!isAllowed { try policy.connect(to: WorkspacePattern.all) })
    #expect(!isAllowed { try policy.connect(to: WorkspacePattern("team-b.*")!) })
  }
}

func isAllowed(_ check: () throws -> Void) -> Bool {
  do {
    try check()
    return true
  } catch {
    return false
  }
}

@Suite struct PatternTests {
  @Test(arguments: [
    ("*", "a", true), ("a", "a", true), ("a", "A", false), ("a", "ab", false), ("team-a.*", "team-a.x", true),
    ("team-a.*", "team-a.", false), ("team-a.*", "team-a", false), ("team-a.*", "team-ab.x", false),
    ("team-a.*", "team-a.b.c", true),
  ])
  func workspacesOfAPattern(_ pattern: String, _ workspace: String, _ expected: Bool) {
    #expect(WorkspacePattern(pattern)!.matches(WorkspaceID(workspace)!) == expected)
  }

  @Test(arguments: ["", "team*", "*.a", "a b", "a.*.*", ".*", "**", "a/*", "ä.*", String(repeating: "a", count: 65)])
  func badWorkspacePatternIsRefused(_ text: String) { #expect(WorkspacePattern(text) == nil) }

  @Test(arguments: [
    ("*", "voice.dial", true), ("voice.*", "voice.dial", true), ("voice.*", "voice.", false),
    ("voice.*", "voicex.dial", false),
    ("voice.dial", "voice.dial", true), ("voice.dial", "voice.dialEx", false),
  ])
  func namesOfAPattern(_ pattern: String, _ name: String, _ expected: Bool) {
    #expect(NamePattern(pattern)!.matches(name) == expected)
  }

  @Test(arguments: ["", "voice*", "*.dial", "a b", "a,b", "a(b)", "é", ".*"])
  func badNamePatternIsRefused(_ text: String) { #expect(NamePattern(text) == nil) }
}
