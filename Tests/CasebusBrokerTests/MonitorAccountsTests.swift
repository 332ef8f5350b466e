import CasebusProtocol
import CasebusWorkspace
import Testing

@testable import CasebusBroker

/// Every event in every state of a monitor's account on a loop.
@Suite struct MonitorAccountsTests {
  private static let session = SessionKey(loop: 0, number: 1)
  private static let blocker = Blocker.session("s")
  private static let here = WorkspaceID("here")!
  private static let there = WorkspaceID("there")!

  enum State: String, CaseIterable {
    case absent, waits, hasBlocks, waitsAndHasBlocks, ended, endedWithBlocks
  }

  enum Event: String, CaseIterable {
    case received, settledWithoutBlocks, settledWithBlocks, ended, blocksEnded
  }

  enum Effect: Equatable {
    /// The account is kept, and nothing is to be done.
    case kept
    /// Nothing is kept any more.
    case forgotten
    /// Nothing is kept any more, and these are to be lifted.
    case departure(Set<WorkspaceID>)
  }

  static let table: [State: [Event: Effect]] = [
    .absent: [
      .received: .kept, .settledWithoutBlocks: .forgotten, .settledWithBlocks: .forgotten, .ended: .forgotten,
      .blocksEnded: .forgotten,
    ],
    .waits: [
      .received: .kept, .settledWithoutBlocks: .forgotten, .settledWithBlocks: .kept, .ended: .kept,
      .blocksEnded: .kept,
    ],
    .hasBlocks: [.received: .kept, .ended: .departure([there]), .blocksEnded: .forgotten],
    .waitsAndHasBlocks: [
      .received: .kept, .settledWithoutBlocks: .kept, .settledWithBlocks: .kept, .ended: .kept, .blocksEnded: .kept,
    ],
    .ended: [.settledWithoutBlocks: .departure([]), .settledWithBlocks: .departure([here]), .blocksEnded: .kept],
    .endedWithBlocks: [
      .settledWithoutBlocks: .departure([there]), .settledWithBlocks: .departure([here, there]), .blocksEnded: .kept,
    ],
  ]

  @Test(arguments: State.allCases, Event.allCases)
  func eventInState(_ state: State, _ event: Event) throws {
    // The rest cannot be: nothing is settled that did not come, and an ended session says nothing and ends once.
    guard let expected = Self.table[state]?[event] else { return }
    var accounts = Self.accounts(in: state)
    let departure = Self.take(event, &accounts)
    let effect: Effect =
      departure.map { .departure($0.workspaces) } ?? (accounts.isEmpty ? .forgotten : .kept)
    #expect(effect == expected)
    #expect(departure == nil || (accounts.isEmpty && departure?.blocker == Self.blocker))
  }

  private static func accounts(in state: State) -> MonitorAccounts {
    var accounts = MonitorAccounts()
    func placeBlock() {
      accounts.messageReceived(from: session, blocker)
      _ = accounts.messageSettled(from: session, in: there, hasBlocks: true)
    }
    if [.hasBlocks, .waitsAndHasBlocks, .endedWithBlocks].contains(state) { placeBlock() }
    if [.waits, .waitsAndHasBlocks, .ended, .endedWithBlocks].contains(state) {
      accounts.messageReceived(from: session, blocker)
    }
    if [.ended, .endedWithBlocks].contains(state) { _ = accounts.sessionEnded(session) }
    return accounts
  }

  private static func take(_ event: Event, _ accounts: inout MonitorAccounts) -> MonitorAccounts.Departure? {
    switch event {
    case .received:
      accounts.messageReceived(from: session, blocker)
      return nil
    case .settledWithoutBlocks: return accounts.messageSettled(from: session, in: here, hasBlocks: false)
    case .settledWithBlocks: return accounts.messageSettled(from: session, in: here, hasBlocks: true)
    case .ended: return accounts.sessionEnded(session)
    case .blocksEnded:
      accounts.blocksEnded(of: session, in: there)
      return nil
    }
  }
}
