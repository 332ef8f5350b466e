import CasebusBroker
import CasebusJournal
import CasebusProtocol
import Testing

/// What the journal does not take of one workspace undoes that workspace, and no other one.
@Suite struct RefusedPartTests {
  private static let full = JournalError.limitReached("the journal is numbered to its end")

  private func publication(_ state: String, _ reference: JSONValue) -> JSONValue {
    TestClient.publication(state, reference: reference)
  }

  @Test func refusedWorkspaceFailsAndTheOthersGoOn() {
    let journal = HeldJournal()
    let broker = TestBroker(journal: journal)
    let (first, good, bad) = (broker.connect("first"), broker.connect("good"), broker.connect("bad"))
    for client in [good, bad] { client.subscribe("interaction") }
    first.publish("RINGING")
    // While that commit runs, two workspaces decide something: the next batch.
    good.send(publication("RINGING", "1"))
    bad.send(publication("RINGING", "1"))
    journal.finish(.success(()))
    broker.run()
    #expect(journal.batches.last?.count == 2)
    // And while that one runs, both decide something on top of it.
    good.send(publication("TALKING", "2"))
    bad.send(publication("TALKING", "2"))
    journal.refuse(WorkspaceID("bad")!, Self.full)
    broker.run()
    #expect(good.received().map(\.summary) == ["1", "RINGING"])
    let failures = bad.received()
    #expect(failures.count == 2)
    #expect(failures.allSatisfy { $0.contains("limit_exceeded") && $0.contains("numbered to its end") })
    journal.finish(.success(()))
    broker.run()
    #expect(good.received().map(\.summary) == ["2", "TALKING"])
    #expect(bad.received() == [])
    bad.send(#"{"request":"interaction.getInteractions","referenceId":3}"#)
    #expect(bad.received() == [#"{"referenceId":3,"data":[],"userAgent":"WWE Server","protocolVersion":2}"#])
  }

  /// Another broker appended to one workspace first: that one catches up, the other one of the batch is committed.
  @Test func conflictIsOfItsWorkspaceOnly() {
    let journal = LastingJournal()
    let other = TestBroker(journal: journal).connect("bad")
    let held = HeldJournal(journal)
    let broker = TestBroker(journal: held)
    let (first, good, bad) = (broker.connect("first"), broker.connect("good"), broker.connect("bad"))
    other.publish("RINGING", "other")
    first.publish("RINGING")
    good.send(publication("RINGING", "1"))
    bad.send(publication("RINGING", "1"))
    held.finish(.success(()))
    broker.run()
    held.finish(.success(()))
    broker.run()
    #expect(good.received().map(\.errorCode) == [""])
    #expect(bad.received() == [])
    held.finish(.success(()))
    broker.run()
    #expect(bad.received().map(\.errorCode) == [""])
    bad.send(#"{"request":"interaction.getInteractions","referenceId":2}"#)
    let state = bad.received()
    #expect(
      state.count == 1 && state[0].contains(#""interactionId":"other""#) && state[0].contains(#""interactionId":"1""#))
  }
}
