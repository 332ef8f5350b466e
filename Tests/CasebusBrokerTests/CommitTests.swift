import CasebusBroker
import CasebusJournal
import CasebusProtocol
import NIOCore
import Synchronization
import Testing

/// What happens while a commit runs, and when it fails.
@Suite struct CommitTests {
  @Test func nothingIsSaidBeforeTheCommit() {
    let journal = HeldJournal()
    let broker = TestBroker(journal: journal)
    let client = broker.connect()
    client.subscribe("interaction")
    client.send(TestClient.publication("RINGING", reference: "1"))
    client.send(#"{"request":"interaction.getByInteractionId","parameters":["1"],"referenceId":"2"}"#)
    #expect(client.received() == [])
    journal.finish(.success(()))
    broker.run()
    #expect(client.received().map(\.summary) == ["1", "RINGING", "2"])
  }

  @Test func whatWasDecidedDuringACommitIsTheNextBatch() {
    let journal = HeldJournal()
    let broker = TestBroker(journal: journal)
    let client = broker.connect()
    client.publish("RINGING")
    client.publish("TALKING")
    client.publish("HELD")
    #expect(journal.batches.map { $0.map(\.offset) } == [[1]])
    journal.finish(.success(()))
    broker.run()
    #expect(journal.batches.map { $0.map(\.offset) } == [[1], [2, 3]])
  }

  @Test func failedCommitUndoesEverythingThatWasDecidedOnIt() {
    let journal = HeldJournal()
    let broker = TestBroker(journal: journal)
    let client = broker.connect()
    client.subscribe("interaction")
    client.send(TestClient.publication("RINGING", reference: "1"))
    client.send(TestClient.publication("TALKING", reference: "2"))
    client.send(#"{"request":"interaction.getByInteractionId","parameters":["1"],"referenceId":"3"}"#)
    journal.finish(.failure(.unavailable("disk full")))
    broker.run()
    let answers = client.received()
    #expect(answers.map(\.summary) == ["1", "2", "3"])
    #expect(answers.allSatisfy { $0.contains("journal_unavailable") && $0.contains("disk full") })
    client.send(#"{"request":"interaction.getInteractions","referenceId":"4"}"#)
    #expect(client.received() == [#"{"referenceId":"4","data":[],"userAgent":"WWE Server","protocolVersion":2}"#])
  }

  @Test func journalThatRecoversGoesOnAtTheDurableOffset() {
    let journal = HeldJournal()
    let broker = TestBroker(journal: journal)
    let client = broker.connect()
    client.publish("RINGING")
    journal.finish(.success(()))
    broker.run()
    client.publish("TALKING")
    journal.finish(.failure(.unavailable("disk full")))
    broker.run()
    client.send(TestClient.publication("TALKING", reference: "again"))
    journal.finish(.success(()))
    broker.run()
    #expect(journal.batches.map { $0.map(\.offset) } == [[1], [2], [2]])
    #expect(client.received().last?.summary == "again")
  }

  @Test func monitorThatCameDuringACommitSeesItsEvents() {
    let journal = HeldJournal()
    let broker = TestBroker(journal: journal)
    let client = broker.connect()
    client.publish("RINGING")
    let monitor = broker.connect("*")
    monitor.subscribe("interaction")
    journal.finish(.success(()))
    broker.run()
    #expect(monitor.received().map(\.summary) == ["RINGING"])
  }

  @Test func expiryThatCouldNotBeCommittedIsTriedAgainAfterAPause() {
    let journal = HeldJournal()
    let broker = TestBroker(journal: journal)
    let client = broker.connect()
    client.subscribe("markdone")
    client.publish("IDLE")
    journal.finish(.success(()))
    client.send(#"{"request":"interaction.blockMarkdone","parameters":["1","w"],"referenceId":"b"}"#)
    journal.finish(.success(()))
    broker.run()
    _ = client.received()
    broker.advance(milliseconds: 30_000)
    journal.finish(.failure(.unavailable("disk full")))
    broker.run()
    #expect(client.received() == [] && journal.batches.count == 3)
    broker.advance(milliseconds: 999)
    #expect(journal.batches.count == 3)
    broker.advance(milliseconds: 1)
    journal.finish(.success(()))
    broker.run()
    #expect(client.received().map(\.summary) == ["MARKDONE_BLOCK_EXPIRED"])
  }
}

/// A journal whose commits end when the test says so.
final class HeldJournal: EventJournal {
  private struct State {
    var batches: [[JournalRecord]] = []
    var batch = JournalBatch()
    var completion: (@Sendable (Result<JournalCommit, JournalError>) -> Void)?
  }

  private let state = Mutex(State())

  /// The records of each batch, in order.
  var batches: [[JournalRecord]] { state.withLock { $0.batches } }

  func append(_ batch: JournalBatch, completion: @escaping @Sendable (Result<JournalCommit, JournalError>) -> Void) {
    state.withLock {
      precondition($0.completion == nil, "a batch was appended while another one is being committed")
      $0.batches.append(batch.parts.values.flatMap(\.records))
      $0.batch = batch
      $0.completion = completion
    }
  }

  /// Ends the running commit.
  func finish(_ result: Result<Void, JournalError>) {
    let (batch, completion) = state.withLock { state in
      defer { state.completion = nil }
      return (state.batch, state.completion)
    }
    guard let completion else { return }
    if case .failure(let error) = result { return completion(.failure(error)) }
    journal.append(batch, completion: completion)
  }

  /// Ends the running commit without the part of one workspace.
  func refuse(_ workspace: WorkspaceID, _ error: JournalError) {
    let (batch, completion) = state.withLock { state in
      defer { state.completion = nil }
      return (state.batch, state.completion)
    }
    guard let completion else { return }
    var others = batch
    others.parts[workspace] = nil
    journal.append(others) { result in
      completion(result.map { JournalCommit(refused: $0.refused.merging([workspace: error]) { first, _ in first }) })
    }
  }

  /// Where the batches end up when their commits end well.
  private let journal: any EventJournal

  init(_ journal: any EventJournal = MemoryJournal()) {
    self.journal = journal
  }

  var health: JournalHealth { .available }

  func open(
    _ workspace: WorkspaceID, completion: @escaping @Sendable (Result<JournalStream, JournalError>) -> Void
  ) {
    journal.open(workspace, completion: completion)
  }

  func replay(_ workspace: WorkspaceID, after offset: JournalOffset) throws(JournalError) -> any JournalReplay {
    try journal.replay(workspace, after: offset)
  }

  func close(_ workspace: WorkspaceID) {}

  func workspacesWithDeadline(completion: @escaping @Sendable (Result<[WorkspaceID], JournalError>) -> Void) {
    journal.workspacesWithDeadline(completion: completion)
  }

  func consumers(completion: @escaping @Sendable (Result<[JournalConsumer], JournalError>) -> Void) {
    journal.consumers(completion: completion)
  }

  func backlogs(
    of consumers: [JournalConsumer.Key],
    completion: @escaping @Sendable (Result<[JournalConsumer.Key: [JournalBacklog]], JournalError>) -> Void
  ) {
    journal.backlogs(of: consumers, completion: completion)
  }
}
