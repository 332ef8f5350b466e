import Testing

@testable import CasebusBroker

/// When more is read from a session.
@Suite struct SessionIntakeTests {
  private var intake: SessionIntake

  init() {
    var configuration = BrokerConfiguration()
    configuration.commandsInFlightMax = 4
    configuration.messageBytesInFlightMax = 1_000
    intake = SessionIntake(configuration)
  }

  @Test mutating func isFullByMessagesOrByBytes() {
    for _ in 1...3 { intake.messageTaken(bytes: 100) }
    #expect(!intake.isFull)
    intake.messageTaken(bytes: 100)
    #expect(intake.isFull)
    intake.messageAnswered(bytes: 100)
    #expect(!intake.isFull)
    intake.messageAnswered(bytes: 100)
    intake.messageTaken(bytes: 800)
    #expect(intake.isFull && intake.unanswered == 3)
  }

  enum Input: CaseIterable {
    case pause
    case resumeIfRoom
    case tickEnded
    case tickEndedButMayNotRead
  }

  enum State: CaseIterable {
    case on
    case paused
    case resuming
  }

  /// Every state × every input, with room: whether something is to be done, and what a pause says then.
  static let rows: [(State, Input, isToBeDone: Bool, then: State)] = [
    (.on, .pause, true, .paused), (.on, .resumeIfRoom, false, .on), (.on, .tickEnded, false, .on),
    (.on, .tickEndedButMayNotRead, false, .on),
    (.paused, .pause, false, .paused), (.paused, .resumeIfRoom, true, .resuming), (.paused, .tickEnded, false, .paused),
    (.paused, .tickEndedButMayNotRead, false, .paused),
    (.resuming, .pause, false, .paused), (.resuming, .resumeIfRoom, false, .resuming),
    (.resuming, .tickEnded, true, .on), (.resuming, .tickEndedButMayNotRead, false, .paused),
  ]

  @Test func everyStateAndInputHasARow() {
    #expect(Self.rows.count == State.allCases.count * Input.allCases.count)
  }

  @Test(arguments: rows)
  mutating func readsOnAsTheTableSays(_ state: State, _ input: Input, isToBeDone: Bool, then: State) {
    if state != .on { _ = intake.pause() }
    if state == .resuming { _ = intake.resumeIfRoom() }
    let isDone = give(input)
    #expect(isDone == isToBeDone)
    // What a state answers to these two tells which it is.
    let resumes = intake.resumeIfRoom()
    let readsOn = intake.tickEnded(mayRead: true)
    #expect(resumes == (then == .paused))
    #expect(readsOn == (then != .on))
  }

  private mutating func give(_ input: Input) -> Bool {
    switch input {
    case .pause: intake.pause()
    case .resumeIfRoom: intake.resumeIfRoom()
    case .tickEnded: intake.tickEnded(mayRead: true)
    case .tickEndedButMayNotRead: intake.tickEnded(mayRead: false)
    }
  }

  @Test mutating func readsOnOnlyWhenHalfIsAnswered() {
    for _ in 1...4 { intake.messageTaken() }
    _ = intake.pause()
    var answers: [Bool] = []
    for _ in 1...2 {
      intake.messageAnswered()
      answers.append(intake.resumeIfRoom())
    }
    // Another one was taken meanwhile, in the same tick.
    intake.messageTaken()
    answers.append(intake.tickEnded(mayRead: true))
    intake.messageAnswered()
    answers.append(intake.resumeIfRoom())
    answers.append(intake.tickEnded(mayRead: true))
    #expect(answers == [false, true, false, true, true])
  }
}
