import CasebusProtocol
import Testing

@testable import CasebusWorkspace

/// What one command costs, in texts that are compared or hashed: the same in a workspace with ten times as much in it.
@Suite struct WorkTests {
  /// `count` interactions in cases of their own, all expanded, each with a block of a blocker of its own.
  static func desk(_ count: Int) throws -> Desk {
    var rules = WorkspaceRules()
    rules.interactionsPerWorkspaceMax = 1_000_000
    rules.workspaceBytesMax = 1 << 30
    var desk = Desk(rules: rules)
    for index in 0..<count {
      try desk.assert(.accepted, "i\(index)", ["caseId": .string("c\(index)")])
      try desk.run(.assertCase(.expanded, caseID: "c\(index)"))
      let block = Command.blockMarkdone(interactionID: "i\(index)", warningMessage: "w")
      try desk.run(block, by: .session("s\(index)"))
    }
    return desk
  }

  static func steps(_ desk: Desk, _ operation: Operation) throws -> Int {
    var desk = desk
    return try Steps.counted { try operation.run(&desk) }.steps
  }

  struct Operation: CustomTestStringConvertible {
    var testDescription: String
    var run: @Sendable (inout Desk) throws -> Void

    init(_ name: String, _ run: @escaping @Sendable (inout Desk) throws -> Void) {
      testDescription = name
      self.run = run
    }
  }

  static let operations = [
    Operation("a new interaction") { try $0.assert(.ringing, "new") },
    Operation("a new interaction in a case") { try $0.assert(.accepted, "new", ["caseId": "c500"]) },
    Operation("an update") { try $0.assert(.accepted, "i500", ["ani": "1"]) },
    Operation("a move") { try $0.assert(.accepted, "i500", ["caseId": "c501"]) },
    Operation("an end") { try $0.assert(.revoked, "i500") },
    Operation("a mark done that is refused") { try $0.run(.markdone(interactionID: "i500")) },
    Operation("a block") { try $0.run(.blockMarkdone(interactionID: "i500", warningMessage: "")) },
    Operation("a block again") {
      try $0.run(.blockMarkdone(interactionID: "i500", warningMessage: ""), by: .session("s500"))
    },
    Operation("an unblock") { try $0.run(.unblockMarkdone(interactionID: "i500"), by: .session("s500")) },
    Operation("a blocker that leaves") { try $0.run(.blockerLeft, by: .session("s500")) },
    Operation("a stranger that leaves") { try $0.run(.blockerLeft, by: .session("stranger")) },
    Operation("a case that collapses") { try $0.run(.assertCase(.collapsed, caseID: "c500")) },
    Operation("a case that is selected") { try $0.run(.assertCase(.selected, caseID: "c500")) },
    Operation("user data") { try $0.run(.setUserData(interactionID: "i500", ["a": 1])) },
    Operation("a deadline that is not there yet") { $0.wait(milliseconds: 1) },
    Operation("a look at the next deadline") { _ = $0.workspace.nextDeadline },
  ]

  static let small = try! desk(1_000)
  static let large = try! desk(10_000)

  @Test(arguments: operations)
  func tenTimesAsMuchIsNoMoreWork(_ operation: Operation) throws {
    let (small, large) = (try Self.steps(Self.small, operation), try Self.steps(Self.large, operation))
    // The heap of deadlines is deeper, and collisions in hash tables come and go; a search would be 10,000 steps.
    #expect(large < small + 300 && small < 600, "\(small) steps among 1,000, \(large) among 10,000")
  }

  /// As many events as cases: ten times the work, not a hundred times.
  @Test func selectingCostsAsMuchAsItsEvents() throws {
    let select = Operation("") { try $0.run(.selectCase(caseID: "c500")) }
    let (small, large) = (try Self.steps(Self.small, select), try Self.steps(Self.large, select))
    #expect(large < 16 * small, "\(small) steps among 1,000, \(large) among 10,000")
  }

  @Test func expiringCostsAsMuchAsItsEvents() throws {
    let wait = Operation("") { #expect($0.wait(milliseconds: 30_000).count >= 1_000) }
    let (small, large) = (try Self.steps(Self.small, wait), try Self.steps(Self.large, wait))
    #expect(large < 16 * small, "\(small) steps among 1,000, \(large) among 10,000")
  }

  @Test func readingAllIsLinear() throws {
    let read = Operation("") { _ = $0.workspace.interactions }
    let (small, large) = (try Self.steps(Self.small, read), try Self.steps(Self.large, read))
    #expect(large < 16 * small, "\(small) steps among 1,000, \(large) among 10,000")
  }
}
