import CasebusProtocol
import Testing

@testable import CasebusBroker

/// What becomes of a message in every state of a session, and what each event makes of it.
@Suite struct SessionMachineTests {
  enum Life: CaseIterable { case open, stopping, malformed, closed }
  enum Order: CaseIterable { case passing, holding, releasing }

  private static let malformedMessagesMax = 2

  private static func machine(_ life: Life, _ order: Order) -> SessionMachine {
    var machine = SessionMachine(malformedMessagesMax: malformedMessagesMax)
    if order != .passing { machine.controlMessagePassed() }
    if order == .releasing { _ = machine.messageAnswered(areOnlyHeldUnanswered: true) }
    switch life {
    case .open: break
    case .stopping: _ = machine.brokerStops(reconnectDelayMilliseconds: 700)
    case .malformed: for _ in 1...malformedMessagesMax { _ = machine.malformedMessageReceived() }
    case .closed: _ = machine.closed()
    }
    return machine
  }

  @Test(arguments: Life.allCases, Order.allCases) func message(_ life: Life, _ order: Order) {
    let expected: SessionMachine.OnMessage =
      switch (life, order) {
      case (_, .holding): .hold
      case (.open, _): .pass
      case (.stopping, _): .refuse
      case (.malformed, _), (.closed, _): .ignore
      }
    #expect(Self.machine(life, order).messageReceived() == expected)
  }

  @Test(arguments: Life.allCases, Order.allCases) func answerReleasesWhatIsHeld(_ life: Life, _ order: Order) {
    var machine = Self.machine(life, order)
    let early = machine.messageAnswered(areOnlyHeldUnanswered: false)
    let late = machine.messageAnswered(areOnlyHeldUnanswered: true)
    #expect(!early && late == (order == .holding))
    #expect(machine.mayRelease == (order != .passing))
    machine.heldWereReleased()
    #expect(!machine.mayRelease && !machine.isHolding)
  }

  @Test func controlMessageAmongTheHeldHoldsTheRest() {
    var machine = Self.machine(.open, .releasing)
    machine.controlMessagePassed()
    machine.heldWereReleased()
    #expect(machine.isHolding && !machine.mayRelease && machine.messageReceived() == .hold)
  }

  @Test(arguments: Life.allCases) func brokerStops(_ life: Life) {
    var machine = Self.machine(life, .passing)
    let drains = machine.brokerStops(reconnectDelayMilliseconds: 900)
    #expect(drains == (life == .open))
    switch life {
    case .open: #expect(machine.life == .draining(.shuttingDown, reason: "reconnect in 900 ms"))
    case .stopping: #expect(machine.life == .draining(.shuttingDown, reason: "reconnect in 700 ms"))
    case .malformed: #expect(machine.drained?.code == .tooManyMalformed)
    case .closed: #expect(machine.life == .closed && machine.drained == nil)
    }
  }

  @Test(arguments: Life.allCases) func tooManyMalformedMessagesDrain(_ life: Life) {
    var machine = Self.machine(life, .passing)
    let first = machine.malformedMessageReceived()
    let second = machine.malformedMessageReceived()
    #expect(!first && second == (life == .open))
    #expect(machine.isOpen == (life != .closed))
  }

  @Test(arguments: Life.allCases, Order.allCases) func closesOnce(_ life: Life, _ order: Order) {
    var machine = Self.machine(life, order)
    let (first, second) = (machine.closed(), machine.closed())
    #expect(first == (life != .closed) && !second)
    #expect(!machine.isOpen && machine.life == .closed && machine.drained == nil)
  }
}
