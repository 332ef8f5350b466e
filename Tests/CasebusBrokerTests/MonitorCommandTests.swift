import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import Testing

@testable import CasebusBroker

/// What monitors ask and publish for the workspaces that they name (Protocol §2.3). Plain conversations are in the
/// transcript `monitor-commands.json`.
@Suite struct MonitorCommandTests {
  private static let loopCounts = [1, 2, 5]

  private static func block(_ workspace: String, _ reference: Int = 1) -> String {
    #"{"request":"interaction.blockMarkdone","parameters":["1","w"],"workspaceId":"\#(workspace)","referenceId":"\#(reference)"}"#
  }

  private static func publication(_ state: String, _ workspace: String, filling: Int = 0) -> String {
    let filling = String(repeating: "x", count: filling)
    return
      #"{"event":"publish","workspaceId":"\#(workspace)","data":{"event":"interaction","data":{"eventType":"\#(state)","interaction":{"interactionId":"1","userData":{"f":"\#(filling)"}}}}}"#
  }

  private static func get(_ workspace: String, _ reference: Int) -> String {
    #"{"request":"interaction.getInteractions","workspaceId":"\#(workspace)","referenceId":"\#(reference)"}"#
  }

  /// Whether no loop keeps anything of a monitor.
  private static func nothingIsKept(onTheLoopsOf witness: TestClient) -> Bool {
    witness.session.loop.loops.map(\.loop).allSatisfy { loop in
      loop.monitors.isEmpty && loop.window.isEmpty && loop.hosts.values.allSatisfy(\.monitors.isEmpty)
    }
  }

  private static func finishAll(_ journal: HeldJournal, _ broker: TestBroker) {
    for _ in 1...50 {
      journal.finish(.success(()))
      broker.run()
    }
  }

  @Test(arguments: loopCounts) func blocksGoWithTheSessionInEveryWorkspace(loopCount: Int) {
    let broker = TestBroker(loopCount: loopCount)
    let names = (1...10).map { "w\($0)" }
    let witness = broker.connect("*")
    witness.subscribe("markdone")
    let bot = broker.connect("*")
    for name in names {
      bot.send(Self.publication("IDLE", name))
      if name != "w3" { bot.send(Self.block(name)) }
    }
    broker.letMonitorsCatchUp()
    #expect(witness.received().count == 9)
    bot.disconnect()
    broker.letMonitorsCatchUp()
    #expect(witness.received().map(\.summary) == Array(repeating: "MARKDONE_UNBLOCKED", count: 9))
    #expect(Self.nothingIsKept(onTheLoopsOf: witness))
  }

  @Test(arguments: loopCounts) func nothingIsKeptOfAMonitorWithoutBlocks(loopCount: Int) {
    let broker = TestBroker(loopCount: loopCount)
    let bot = broker.connect("*")
    for name in (1...10).map({ "w\($0)" }) {
      bot.send(Self.publication("IDLE", name))
      bot.send(Self.block(name))
      bot.send(Self.get(name, 2))
    }
    #expect(!Self.nothingIsKept(onTheLoopsOf: bot))
    // One way for a block to end each: it is lifted, its interaction ends, its time is over.
    for name in (1...3).map({ "w\($0)" }) {
      bot.send(
        #"{"request":"interaction.unblockMarkdone","parameters":["1"],"workspaceId":"\#(name)"}"#)
    }
    for name in (4...6).map({ "w\($0)" }) { bot.send(Self.publication("COMPLETED", name)) }
    #expect(!Self.nothingIsKept(onTheLoopsOf: bot))
    broker.advance(milliseconds: 30_000)
    broker.run()
    #expect(Self.nothingIsKept(onTheLoopsOf: bot))
  }

  @Test(arguments: loopCounts) func answersOfOneWorkspaceKeepTheirOrderAndComeBeforeTheirEvents(loopCount: Int) {
    let broker = TestBroker(loopCount: loopCount)
    let bot = broker.connect("*")
    bot.subscribe("agent")
    let names = ["a", "b", "c"]
    bot.feed(
      (1...50).flatMap { number in
        names.map { name in
          number % 7 == 0
            ? #"{"request":"nonsense","workspaceId":"\#(name)","referenceId":"\#(number)"}"#
            : #"{"event":"publish","workspaceId":"\#(name)","referenceId":"\#(number)","data":{"event":"agent","data":{"n":\#(number)}}}"#
        }
      })
    for _ in 1...20 { broker.letMonitorsCatchUp() }
    let received = bot.received()
    for name in names {
      let own = received.filter { $0.hasSuffix(#","workspaceId":"\#(name)"}"#) }
      let answers = own.filter { $0.hasPrefix(#"{"referenceId""#) }
      #expect(answers.map(\.summary) == (1...50).map(String.init))
      // What is refused because of the message alone is refused in its place, too.
      #expect(answers.indices.filter { answers[$0].errorCode != "" } == [6, 13, 20, 27, 34, 41, 48])
      #expect(own.count == 50 + 43)
    }
  }

  @Test(arguments: loopCounts) func eventComesAfterTheAnswerThatItBelongsTo(loopCount: Int) {
    let broker = TestBroker(loopCount: loopCount)
    let bot = broker.connect("*")
    bot.subscribe("markdone")
    for name in ["a", "b", "c", "d"] {
      bot.send(Self.publication("IDLE", name))
      bot.send(Self.block(name))
      broker.letMonitorsCatchUp()
      #expect(bot.received().map(\.summary) == ["1", "MARKDONE_BLOCKED"])
    }
  }

  @Test func workspaceThatHasNoRoomInMemoryRefuses() {
    var configuration = BrokerConfiguration()
    configuration.workspacesMax = 1
    let broker = TestBroker(configuration: configuration)
    _ = broker.connect("a")
    let bot = broker.connect("*")
    bot.send(Self.get("b", 1))
    let answer = bot.received()[0]
    #expect(answer.errorCode == "limit_exceeded" && answer.contains("workspacesMax"))
    #expect(answer.hasSuffix(#","workspaceId":"b"}"#))
    bot.send(Self.get("a", 2))
    #expect(bot.received().map(\.errorCode) == [""])
    #expect(Self.nothingIsKept(onTheLoopsOf: bot))
  }

  /// It is empty and nobody is connected: naming one costs no memory.
  @Test func emptyWorkspaceThatIsAskedLeavesMemory() {
    let broker = TestBroker()
    let bot = broker.connect("*")
    for number in 1...100 { bot.send(Self.get("w\(number)", number)) }
    #expect(bot.received().count == 100)
    #expect(bot.session.loop.hosts.values.isEmpty)
  }
}

// MARK: - What is in flight

extension MonitorCommandTests {
  @Test(arguments: loopCounts) func nextRequestWaitsWhileTheAnswerBeforeItIsNotTaken(loopCount: Int) {
    var configuration = BrokerConfiguration()
    configuration.outcomeBytesInFlightMax = 20_000
    let broker = TestBroker(configuration: configuration, loopCount: loopCount)
    let bot = broker.connect("*")
    bot.send(Self.publication("RINGING", "a", filling: 50_000))
    bot.sink.isWritable = false
    bot.feed((1...20).map { Self.get("a", $0) })
    broker.run()
    #expect(bot.received().map(\.summary) == ["1"])
    bot.sink.isWritable = true
    for _ in 1...20 { broker.run() }
    #expect(bot.received().map(\.summary) == (2...20).map(String.init))
    #expect(Self.nothingIsKept(onTheLoopsOf: bot))
  }

  @Test func noMoreIsReadThanMayBeInFlight() {
    let journal = HeldJournal()
    var configuration = BrokerConfiguration()
    configuration.commandsInFlightMax = 10
    let broker = TestBroker(journal: journal, configuration: configuration)
    let bot = broker.connect("*")
    bot.feed((1...40).map { Self.publication("RINGING", "w\($0 % 4)") })
    broker.run()
    #expect(!bot.sink.isReading && bot.sink.unreadCount == 30)
    Self.finishAll(journal, broker)
    #expect(bot.sink.isReading && bot.sink.unreadCount == 0)
  }

  /// What it said before is decided, what it asked for is not made for nobody, and its block goes.
  @Test(arguments: loopCounts) func monitorThatLeavesWhileItsMessagesWaitLeavesBehindThem(loopCount: Int) {
    var configuration = BrokerConfiguration()
    configuration.outcomeBytesInFlightMax = 1
    let broker = TestBroker(configuration: configuration, loopCount: loopCount)
    let (bot, witness) = (broker.connect("*"), broker.connect("a"))
    witness.subscribe("agent", "markdone")
    bot.send(Self.publication("IDLE", "a", filling: 20_000))
    bot.sink.isWritable = false
    bot.feed([
      Self.get("a", 1), Self.block("a", 2), Self.get("a", 3),
      #"{"event":"publish","workspaceId":"a","data":{"event":"agent","data":{"last":true}}}"#,
    ])
    broker.run()
    #expect(witness.received() == [])
    bot.disconnect()
    broker.run()
    #expect(witness.received().map(\.summary) == ["MARKDONE_BLOCKED", "agent", "MARKDONE_UNBLOCKED"])
    #expect(Self.nothingIsKept(onTheLoopsOf: witness))
  }

  /// It said something while the workspace came into memory, and was gone before that was decided.
  @Test func blockOfAMonitorThatLeftWhileTheWorkspaceWasReadIsLifted() {
    let journal = SimulatedJournal()
    let earlier = TestBroker(journal: journal)
    let source = earlier.connect("b")
    source.publish("IDLE")
    journal.finishEverything(for: earlier)
    let broker = TestBroker(journal: journal)
    let bot = broker.connect("*")
    bot.send(Self.block("b"))
    bot.disconnect()
    journal.finishEverything(for: broker)
    let agent = broker.connect("b")
    agent.send(#"{"request":"interaction.markdone","parameters":["1"],"referenceId":"m"}"#)
    journal.finishEverything(for: broker)
    #expect(agent.received().map(\.errorCode) == [""])
    #expect(Self.nothingIsKept(onTheLoopsOf: agent))
  }

  /// Its first message waits until the workspace is read; the second comes while one for another workspace waits for room.
  @Test func messagesKeepTheirOrderWhileTheirWorkspaceIsReadAndAnotherHasNoRoom() {
    let journal = SimulatedJournal()
    var configuration = BrokerConfiguration()
    configuration.uncommittedBytesMax = 1
    let broker = TestBroker(journal: journal, configuration: configuration)
    let (agent, bot) = (broker.connect("a"), broker.connect("*"))
    journal.finishEverything(for: broker)
    bot.send(Self.get("b", 1))
    agent.publish("IDLE")
    bot.send(Self.get("a", 0))
    bot.send(Self.get("b", 2))
    // The workspace is read, and there is no room yet.
    journal.finishRead(0, succeeds: true)
    broker.run()
    #expect(bot.received() == [])
    journal.finishEverything(for: broker)
    #expect(bot.received().map(\.summary).filter { $0 != "0" } == ["1", "2"])
    #expect(Self.nothingIsKept(onTheLoopsOf: bot))
  }

  /// The commit with its block fails, so that nothing of it is left to be lifted.
  @Test func blockThatWasNotCommittedIsForgotten() {
    let journal = HeldJournal()
    let broker = TestBroker(journal: journal)
    let bot = broker.connect("*")
    bot.send(Self.publication("IDLE", "a"))
    Self.finishAll(journal, broker)
    bot.send(Self.block("a"))
    #expect(!Self.nothingIsKept(onTheLoopsOf: bot))
    journal.finish(.failure(.unavailable("test")))
    broker.run()
    #expect(bot.received().last?.errorCode == "journal_unavailable")
    #expect(Self.nothingIsKept(onTheLoopsOf: bot))
  }
}

// MARK: - Durable consumers of all workspaces

extension MonitorCommandTests {
  @Test func blocksOfAConsumerOfAllWorkspacesOutliveTheConnectionAndGoWithTheConsumer() {
    let broker = TestBroker()
    let agent = broker.connect("a")
    agent.subscribe("markdone")
    agent.publish("IDLE")
    let bot = broker.connect("*")
    bot.joinDurable("bot")
    bot.send(Self.block("a"))
    bot.disconnect()
    #expect(agent.received().map(\.summary) == ["MARKDONE_BLOCKED"])
    let admin = broker.connect("*")
    admin.send(#"{"request":"consumer.delete","parameters":["bot"],"referenceId":"d"}"#)
    #expect(agent.received().map(\.summary) == ["MARKDONE_UNBLOCKED"])
    #expect(Self.nothingIsKept(onTheLoopsOf: admin))
  }

  /// It goes with its consumer, also if the broker was gone when that was deleted.
  @Test(arguments: [true, false]) func blockOfAConsumerOfAllWorkspacesOutlivesTheBroker(isDeletedMeanwhile: Bool) {
    let journal = LastingJournal()
    let earlier = TestBroker(journal: journal)
    let bot = earlier.connect("*")
    bot.joinDurable("bot")
    bot.send(Self.publication("IDLE", "a"))
    bot.send(Self.block("a"))
    #expect(bot.received().contains { $0.hasPrefix(#"{"referenceId":"1","data":null"#) })
    if isDeletedMeanwhile {
      let key = JournalConsumer.Key(name: "bot", workspace: nil)
      journal.append(JournalBatch(consumerChanges: [.delete(key)])) { _ in }
    }
    let broker = TestBroker(journal: journal)
    let agent = broker.connect("a")
    agent.send(#"{"request":"interaction.markdone","parameters":["1"],"referenceId":"m"}"#)
    #expect(agent.received().map(\.errorCode) == [isDeletedMeanwhile ? "" : "markdone_blocked"])
  }

  /// A consumer of the workspace with the same name is another one.
  @Test func consumerOfTheWorkspaceDoesNotLiftTheBlockOfOneOfAllWorkspaces() {
    let broker = TestBroker()
    let agent = broker.connect("a")
    agent.publish("IDLE")
    let (spanning, own) = (broker.connect("*"), broker.connect("a"))
    spanning.joinDurable("bot")
    own.joinDurable("bot")
    spanning.send(Self.block("a"))
    own.send(#"{"request":"interaction.unblockMarkdone","parameters":["1"],"referenceId":"u"}"#)
    agent.send(#"{"request":"interaction.markdone","parameters":["1"],"referenceId":"m"}"#)
    #expect(agent.received().map(\.errorCode) == ["markdone_blocked"])
  }

  /// On the connection of a monitor `consumer.delete` with a workspace is about that workspace's consumer.
  @Test(arguments: loopCounts) func consumerOfAWorkspaceIsDeletedByAMonitor(loopCount: Int) {
    let broker = TestBroker(loopCount: loopCount)
    let (own, spanning, admin) = (broker.connect("a"), broker.connect("*"), broker.connect("*"))
    own.joinDurable("bot")
    spanning.joinDurable("bot")
    admin.feed([
      #"{"request":"consumer.delete","parameters":["bot"],"workspaceId":"a","referenceId":"1"}"#,
      #"{"request":"consumer.get","parameters":["bot"],"workspaceId":"a","referenceId":"2"}"#,
      #"{"request":"consumer.get","parameters":["bot"],"referenceId":"3"}"#,
    ])
    for _ in 1...10 { broker.run() }
    #expect(admin.received().map(\.errorCode) == ["", "consumer_not_found", ""])
    #expect(own.sink.closed?.code == .consumerDeleted && spanning.sink.closed == nil)
  }
}
