import CasebusBroker
import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import Testing

/// What one message or one leaving session costs the broker, in texts that are compared or hashed: the same beside ten
/// times as many others with blocks of their own.
@Suite struct WorkTests {
  struct Crowd {
    let broker: TestBroker
    let clients: [TestClient]

    init(_ count: Int) {
      var configuration = BrokerConfiguration()
      configuration.workspaceRules.interactionsPerWorkspaceMax = 1_000_000
      configuration.workspaceRules.workspaceBytesMax = 1 << 30
      let broker = TestBroker(configuration: configuration)
      self.broker = broker
      clients = (0..<count).map { index in
        let client = broker.connect()
        client.publish("IDLE", "i\(index)")
        client.send(["request": "interaction.blockMarkdone", "parameters": [.string("i\(index)"), "w"]])
        return client
      }
    }

    func steps(_ body: (Crowd) -> Void) -> Int { Steps.counted { body(self) }.steps }
  }

  static let operations: [(name: String, body: @Sendable (Crowd) -> Void)] = [
    ("a session leaves", { $0.clients[50].disconnect() }),
    ("an update", { $0.clients[51].publish("IDLE", "i7") }),
    ("a refusal", { $0.clients[52].send(["request": "interaction.markdone", "parameters": ["i8"]]) }),
    ("an unblock", { $0.clients[53].send(["request": "interaction.unblockMarkdone", "parameters": ["i53"]]) }),
  ]

  @Test func tenTimesAsManyOthersAreNoMoreWork() {
    let (few, many) = (Crowd(100), Crowd(1_000))
    for (name, body) in Self.operations {
      let (small, large) = (few.steps(body), many.steps(body))
      // Collisions in hash tables come and go; a search would be 1,000 steps.
      #expect(large < small + 200, "\(name): \(small) steps among 100, \(large) among 1,000")
    }
  }

  /// All leave before the journal has taken the end of anybody's blocks; each looks at its own only.
  @Test func thatManyLeaveAtOnceIsAsMuchWorkAsTheyAre() {
    func steps(_ count: Int) -> Int {
      Crowd(count).steps { crowd in
        for client in crowd.clients {
          client.session.connectionClosed(code: 1006, reason: "test", bytesSent: 0)
        }
        crowd.broker.run()
      }
    }
    let (few, many) = (steps(100), steps(1_000))
    #expect(many < 16 * few, "\(few) steps for 100, \(many) for 1,000")
  }

  /// The times in the journal, from which retention and consumers reckon, do not go back with the clock.
  @Test func clockThatIsSetBackDoesNotTakeTheRecordsWithIt() {
    let journal = HeldJournal()
    let broker = TestBroker(journal: journal)
    let client = broker.connect()
    let start = broker.clock.now.milliseconds
    client.publish("RINGING")
    journal.finish(.success(()))
    broker.clock.advance(milliseconds: -3_600_000)
    client.publish("TALKING")
    #expect(journal.batches.joined().map(\.time) == [start, start])
    journal.finish(.success(()))
  }
}
