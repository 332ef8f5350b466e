import CasebusProtocol
import NIOCore
import Testing

@testable import CasebusWorkspace

/// What the journal stores beside an event, to know it again.
@Suite struct EventKindTests {
  static let interaction = Interaction(interactionID: "1", caseID: "c", state: .talking)
  static let block = MarkdoneBlock(
    interactionID: "1", blocker: .session("s"), warningMessage: "w", deadline: Timestamp(milliseconds: 5))

  static func markdone(_ kind: MarkdoneEvent.Kind) -> WorkspaceEvent {
    .markdone(MarkdoneEvent(kind: kind, interactionID: "1", caseID: "c"))
  }

  /// These texts are in journal files: a row may be added, none may be changed.
  static let kinds: [(WorkspaceEvent, kind: String)] = [
    (.interaction(.stateChanged(interaction)), "interaction"),
    (.interaction(.userDataChanged(interaction, isFirst: true)), "userData"),
    (.interaction(.userDataChanged(interaction, isFirst: false)), "userData"),
    (.caseChanged(CaseEvent(kind: .collapsed, selectedCaseID: nil, caseID: "c")), "case"),
    (.caseChanged(CaseEvent(kind: .expanded, selectedCaseID: "c", caseID: "c")), "case"),
    (.caseChanged(CaseEvent(kind: .selected, selectedCaseID: "c", caseID: "c")), "case"),
    (.caseChanged(CaseEvent(kind: .closed, selectedCaseID: nil, caseID: "c")), "case"),
    (markdone(.blocked(block, timeoutMilliseconds: 30_000)), "blocked"),
    (markdone(.unblocked(.client("b"))), "unblocked"),
    (markdone(.blockExpired(.session("s"))), "blockExpired"),
    (markdone(.refused(warningMessage: "w", remainingMilliseconds: 4)), "markdoneRefused"),
    (markdone(.done(by: .request)), "markedDone"),
    (markdone(.done(by: nil)), "markedDone"),
    (.relayed(RelayedEvent(name: .agent, data: PublishedData(["interaction": [:]]))), "relayed"),
    (.relayed(RelayedEvent(name: .system, data: PublishedData([:]))), "relayed"),
  ]

  @Test(arguments: kinds.indices)
  func everyEventHasItsKindAndIsReadByIt(_ index: Int) throws {
    let (event, kind) = Self.kinds[index]
    #expect(event.kind == kind)
    #expect(try event.throughJournal() == event)
    #expect(try event.throughOldJournal() == event)
  }

  /// A `String` holds no more without an allocation, and every record has one.
  @Test func kindsAreShort() {
    for (_, kind) in Self.kinds { #expect((1...15).contains(kind.utf8.count), "\(kind)") }
  }

  /// What an event looks like does not matter where its kind is stored.
  @Test func kindIsNotGuessed() throws {
    let data = ByteBuffer(string: #"{"eventType":"CASE_CLOSED","selectedCaseId":null,"caseId":"c","interaction":{}}"#)
    let event = try WorkspaceEvent(replaying: .interaction, kind: "case", data: data, detail: ByteBuffer())
    #expect(event == .caseChanged(CaseEvent(kind: .closed, selectedCaseID: nil, caseID: "c")))
    #expect(throws: ReplayError("an interaction is missing")) {
      try WorkspaceEvent(
        replaying: .interaction, kind: "interaction", data: ByteBuffer(string: #"{"eventType":"CASE_CLOSED"}"#),
        detail: ByteBuffer())
    }
  }

  /// The kinds of a later version, and a text that looks like a kind and has other bytes (U+212A).
  @Test(arguments: ["agent", "Case", "mar\u{212A}edDone", " "])
  func unknownKindIsNotRead(_ kind: String) {
    #expect(throws: ReplayError("no event is of the kind \"\(kind)\"")) {
      try WorkspaceEvent(replaying: .markdone, kind: kind, data: ByteBuffer(string: "{}"), detail: ByteBuffer())
    }
  }

  @Test func eventsBelongToTheirInteractionOrCase() {
    for (event, _) in Self.kinds {
      let expected: EventKey? =
        switch event {
        case .interaction, .markdone: .interaction("1")
        case .caseChanged: .caseID("c")
        case .relayed: nil
        }
      #expect(event.key == expected)
    }
  }
}
