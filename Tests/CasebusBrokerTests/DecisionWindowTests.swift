import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import Testing

@testable import CasebusBroker

/// Which messages wait, and in which order they are decided then.
@Suite struct DecisionWindowTests {
  private let one = SessionKey(loop: 0, number: 1)
  private let two = SessionKey(loop: 0, number: 2)
  private let workspace = WorkspaceID("w")!
  private var window = DecisionWindow(bytesMax: 100_000)

  private func said(_ number: Int, by session: SessionKey) -> DecisionWindow.Message {
    .said(
      .failure(Failure(.invalidMessage, "\(number)")), Caller(session: session))
  }

  private func left(_ session: SessionKey) -> DecisionWindow.Message { .left(session) }

  private mutating func receive(_ message: DecisionWindow.Message, hasRoom: Bool = true) -> Bool {
    window.received(message, in: workspace, hasRoom: hasRoom) == .decide
  }

  /// The numbers of the messages that come next; 0 for a session that left.
  private mutating func next(_ count: Int = .max) -> [Int] {
    var numbers: [Int] = []
    while numbers.count < count, let (_, message) = window.next() {
      switch message {
      case .said(.failure(let failure), _): numbers.append(Int(failure.message)!)
      case .said, .left, .leftConsumer: numbers.append(0)
      }
    }
    return numbers
  }

  @Test mutating func messageIsDecidedAtOnceWhileThereIsRoom() {
    #expect(receive(said(1, by: one)) && receive(said(2, by: two)) && receive(left(one)))
    #expect(!window.hasTurns && next().isEmpty)
  }

  @Test mutating func smallOutcomesAreNotCounted() {
    #expect(window.decided(DecisionWindow.smallOutcomeBytes, for: one) == 0)
    #expect(window.decided(DecisionWindow.smallOutcomeBytes + 1, for: one) == DecisionWindow.smallOutcomeBytes + 1)
  }

  @Test mutating func sessionWithTooMuchInFlightWaitsAndOthersDoNot() {
    let charge = window.decided(100_000, for: one)
    #expect(!receive(said(1, by: one)) && !receive(said(2, by: one)))
    #expect(receive(said(3, by: two)))
    #expect(next() == [])
    window.sent(charge, to: one)
    #expect(window.hasTurns && next() == [1, 2])
  }

  /// The message that was let through may have an outcome that fills the window again.
  @Test mutating func nextMessageWaitsUntilWhatCameOfTheOneBeforeWasSent() {
    window.sent(window.decided(100_000, for: one), to: one)
    _ = window.decided(100_000, for: one)
    #expect(!receive(said(1, by: one)) && !receive(said(2, by: one)))
    window.sent(100_000, to: one)
    #expect(next(1) == [1])
    _ = window.decided(200_000, for: one)
    #expect(next() == [])
    window.sent(200_000, to: one)
    #expect(next() == [2])
  }

  @Test mutating func whileTheLoopHasNoRoomEverybodyWaitsAndTakesTurns() {
    for number in 1...3 { #expect(!receive(said(number, by: one), hasRoom: false)) }
    #expect(!receive(said(4, by: two), hasRoom: false))
    // What waits is not overtaken when there is room again.
    #expect(!receive(said(5, by: two)))
    #expect(next() == [1, 4, 2, 5, 3])
    #expect(receive(said(6, by: one)))
  }

  @Test mutating func whatASessionSaidIsDecidedBeforeItLeaves() {
    _ = window.decided(100_000, for: one)
    #expect(!receive(said(1, by: one)))
    #expect(!receive(left(one)))
    #expect(window.isLeaving(one) && !window.isLeaving(two))
    // Nobody is there to be sent anything: nothing is waited for.
    #expect(window.decided(200_000, for: one) == 0)
    #expect(next() == [1, 0])
    window.forget(one)
    #expect(!window.isLeaving(one) && receive(said(2, by: one)))
  }

  /// That needs no room, only its place behind what was said before.
  @Test mutating func sessionLeavesItsConsumerBehindWhatItSaid() {
    let leaving = DecisionWindow.Message.leftConsumer(.init(name: "bot", workspace: workspace), one, nil)
    #expect(receive(leaving, hasRoom: false) && !window.isWaiting(one, in: workspace))
    #expect(!receive(said(1, by: one), hasRoom: false))
    #expect(!receive(leaving) && window.isWaiting(one, in: workspace) && next() == [1, 0])
  }

  @Test mutating func sessionThatLeavesWithNothingWaitingIsForgotten() {
    let charge = window.decided(100_000, for: one)
    #expect(receive(left(one)))
    #expect(receive(said(1, by: one)))
    window.sent(charge, to: one)
    #expect(!window.hasTurns)
  }

  /// 10,000 waiting messages are given out in as many steps.
  @Test mutating func givingOutOneMessageDoesNotDependOnHowManyWait() {
    for number in 1...10_000 {
      _ = receive(said(number, by: SessionKey(loop: 0, number: UInt64(number))), hasRoom: false)
    }
    #expect(next() == Array(1...10_000))
    #expect(!window.hasTurns)
  }
}
