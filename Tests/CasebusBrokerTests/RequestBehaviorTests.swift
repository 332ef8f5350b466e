import CasebusProtocol
import Testing

@testable import CasebusBroker

/// What the broker does for a request fits to what its signature says.
@Suite struct RequestBehaviorTests {
  @Test(arguments: RequestTable.signatures)
  func behaviorFitsToTheSignature(_ signature: RequestSignature) {
    let behavior = RequestBehavior.of(Request(signature.name))
    for alias in signature.aliases { #expect(RequestBehavior.of(Request(alias)).kind == behavior.kind) }
    // Only these need no workspace.
    #expect(signature.scopes.contains(.monitor) == ["control", "inquiry"].contains(behavior.kind))
    let kinds: [RequestPermission: Set<String>] = [
      .read: ["read", "inquiry", "control"], .write: ["command"], .publish: ["broadcast"], .control: ["control"],
    ]
    #expect(kinds[signature.permission]?.contains(behavior.kind) == true, "\(signature.name) is \(behavior.kind)")
  }
}

extension RequestBehavior {
  fileprivate var kind: String {
    switch self {
    case .read: "read"
    case .command: "command"
    case .broadcast: "broadcast"
    case .control: "control"
    case .inquiry: "inquiry"
    case .provider: "provider"
    }
  }
}
