import CasebusJournal
import CasebusProtocol
import NIOCore
import Testing

/// What every journal must do: durable consumers.
@Suite(.timeLimit(.minutes(5))) struct ConsumerConformanceTests {
  static let everywhere = JournalConsumer(
    key: JournalConsumer.Key(name: "bot", workspace: nil), events: ["markdone", "case:\"x\""], time: 7)
  static let here = JournalConsumer(
    key: JournalConsumer.Key(name: "bot", workspace: .a), events: ["interaction"], time: 8)

  private func journal(_ kind: JournalKind) async throws -> TestJournal {
    let test = try kind.make()
    try await test.journal.append([.a: JournalRecord.range(1...3), .b: JournalRecord.range(1...2)])
    return test
  }

  @Test(arguments: JournalKind.allCases)
  func consumersAreKnownByNameAndScope(_ kind: JournalKind) async throws {
    let test = try await journal(kind)
    try await test.journal.change(.make(Self.everywhere, .now), .make(Self.here, .now))
    #expect(try await test.journal.consumers() == [Self.everywhere, Self.here])
    try await test.journal.change(.delete(Self.here.key))
    #expect(try await test.journal.consumers() == [Self.everywhere])
    #expect(try await test.journal.backlog(of: Self.here.key) == [])
    try await test.journal.change(.delete(Self.here.key))
  }

  @Test(arguments: JournalKind.allCases)
  func aConsumerFromTheBeginningHasEverything(_ kind: JournalKind) async throws {
    let test = try await journal(kind)
    try await test.journal.change(.make(Self.everywhere, .beginning))
    #expect(
      try await test.journal.backlog(of: Self.everywhere.key) == [
        JournalBacklog(workspace: .a, position: 0, last: 3, first: 1),
        JournalBacklog(workspace: .b, position: 0, last: 2, first: 1),
      ])
  }

  @Test(arguments: JournalKind.allCases)
  func aConsumerFromNowOnHasWhatComes(_ kind: JournalKind) async throws {
    let test = try await journal(kind)
    try await test.journal.append(
      JournalBatch(
        parts: [.a: part(after: 3, 4...4), WorkspaceID("c")!: part(after: 0, 1...1)],
        consumerChanges: [.make(Self.everywhere, .now)]))
    #expect(
      try await test.journal.backlog(of: Self.everywhere.key) == [
        JournalBacklog(workspace: .a, position: 3, last: 4, first: 1),
        JournalBacklog(workspace: WorkspaceID("c")!, position: 0, last: 1, first: 1),
      ])
  }

  @Test(arguments: JournalKind.allCases)
  func aConsumerAfterAnOffsetIsInItsWorkspaceOnly(_ kind: JournalKind) async throws {
    let test = try await journal(kind)
    try await test.journal.change(.make(Self.here, .after(2)))
    #expect(
      try await test.journal.backlog(of: Self.here.key) == [
        JournalBacklog(workspace: .a, position: 2, last: 3, first: 1)
      ])
  }

  @Test(arguments: JournalKind.allCases)
  func aConsumerThatExistsStaysAsItIs(_ kind: JournalKind) async throws {
    let test = try await journal(kind)
    try await test.journal.change(.make(Self.here, .after(2)))
    var other = Self.here
    other.events = ["markdone"]
    try await test.journal.change(.make(other, .beginning))
    #expect(try await test.journal.consumers() == [Self.here])
    #expect(try await test.journal.backlog(of: Self.here.key).map(\.position) == [2])
  }

  @Test(arguments: JournalKind.allCases)
  func aWorkspaceThatNeverWasIsInTheBacklogOfItsConsumer(_ kind: JournalKind) async throws {
    let test = try kind.make()
    try await test.journal.change(.make(Self.here, .now))
    #expect(
      try await test.journal.backlog(of: Self.here.key) == [
        JournalBacklog(workspace: .a, position: 0, last: 0, first: 1)
      ])
  }

  @Test(arguments: JournalKind.allCases)
  func positionsMoveAndRecordsAreParked(_ kind: JournalKind) async throws {
    let test = try await journal(kind)
    try await test.journal.change(.make(Self.everywhere, .beginning), .make(Self.here, .beginning))
    let parked = ParkedRecord(offset: 2, deliveries: 5, time: 99)
    try await test.journal.append(to: .a, after: 3) {
      $0.records = JournalRecord.range(4...4)
      $0.positions = [
        JournalPosition(consumer: Self.everywhere.key, offset: 1),
        JournalPosition(consumer: Self.everywhere.key, offset: 4, parked: [parked]),
        JournalPosition(consumer: Self.here.key, offset: 3),
      ]
    }
    try await test.journal.append(to: .b, after: 2) {
      $0.positions = [JournalPosition(consumer: Self.everywhere.key, offset: 2)]
    }
    #expect(
      try await test.journal.backlog(of: Self.everywhere.key) == [
        JournalBacklog(workspace: .a, position: 4, last: 4, first: 1, parked: [parked])
      ])
    #expect(
      try await test.journal.backlog(of: Self.here.key) == [
        JournalBacklog(workspace: .a, position: 3, last: 4, first: 1)
      ])
  }

  @Test(arguments: JournalKind.allCases)
  func parkedRecordsTellWhyAndComeAgainUntilTheyAreDoneOrParkedAnew(_ kind: JournalKind) async throws {
    let test = try await journal(kind)
    try await test.journal.change(.make(Self.everywhere, .beginning))
    let reasons: [ParkedRecord.Reason?] = [.ackTimeout, .sessionEnded, nil]
    var parked = (1...3).map {
      ParkedRecord(offset: JournalOffset($0), deliveries: 5, time: 99, reason: reasons[$0 - 1])
    }
    try await test.journal.append(to: .a, after: 3) { [parked] in
      $0.positions = [JournalPosition(consumer: Self.everywhere.key, offset: 3, parked: parked)]
    }
    func expectParked(_ expected: [ParkedRecord]) async throws {
      let backlog = try await test.journal.backlog(of: Self.everywhere.key)
      #expect(backlog.first { $0.workspace == .a }?.parked ?? [] == expected)
    }
    try await expectParked(parked)
    // One that is not parked, or in a workspace that never was, is no matter.
    try await test.journal.change(.redeliver(Self.everywhere.key, [.a: [1, 2, 9], WorkspaceID("none")!: [1]]))
    try await test.journal.change(.redeliver(Self.here.key, [.a: [3]]))
    parked[0].comesAgain = true
    parked[1].comesAgain = true
    try await expectParked(parked)
    let anew = ParkedRecord(offset: 2, deliveries: 6, time: 100, reason: .ackTimeout)
    try await test.journal.append(to: .a, after: 3) {
      $0.positions = [JournalPosition(consumer: Self.everywhere.key, offset: 3, parked: [anew], unparked: [1])]
    }
    try await expectParked([anew, parked[2]])
  }

  @Test(arguments: JournalKind.allCases)
  func aConsumerThatIsMadeAnewKnowsNothingOfTheOldOne(_ kind: JournalKind) async throws {
    let test = try await journal(kind)
    try await test.journal.change(.make(Self.everywhere, .beginning))
    try await test.journal.append(to: .a, after: 3) {
      $0.positions = [
        JournalPosition(
          consumer: Self.everywhere.key, offset: 3, parked: [ParkedRecord(offset: 1, deliveries: 5, time: 9)])
      ]
    }
    try await test.journal.change(.delete(Self.everywhere.key), .make(Self.everywhere, .beginning))
    #expect(try await test.journal.backlog(of: Self.everywhere.key).map(\.position) == [0, 0])
    #expect(try await test.journal.backlog(of: Self.everywhere.key).flatMap(\.parked).isEmpty)
  }

  @Test(arguments: JournalKind.allCases)
  func aPositionOfAConsumerThatIsGoneIsIgnored(_ kind: JournalKind) async throws {
    let test = try await journal(kind)
    try await test.journal.append(to: .a, after: 3) {
      $0.records = JournalRecord.range(4...4)
      $0.positions = [JournalPosition(consumer: Self.here.key, offset: 4)]
    }
    #expect(try await test.journal.open(.a).last == 4)
    #expect(try await test.journal.backlog(of: Self.here.key) == [])
  }

  @Test(arguments: JournalKind.allCases)
  func conflictOfAWorkspaceIsNoneOfTheConsumers(_ kind: JournalKind) async throws {
    let test = try await journal(kind)
    await #expect(throws: JournalError.conflict(.a, expected: 7, actual: 3)) {
      try await test.journal.append(
        JournalBatch(parts: [.a: part(after: 7, 8...8)], consumerChanges: [.make(Self.here, .now)]))
    }
    #expect(try await test.journal.consumers() == [Self.here])
  }

  private func part(after expected: JournalOffset, _ offsets: ClosedRange<JournalOffset>) -> JournalPart {
    var part = JournalPart(expected: expected)
    part.records = JournalRecord.range(offsets)
    return part
  }
}
