import CasebusJournal
import CasebusProtocol
import CasebusTestSupport
import CasebusWorkspace
import NIOCore
import NIOEmbedded
import Testing

@testable import CasebusBroker

/// What the journal refuses, in part or as a whole, and what another broker appended first: nothing of it stays behind.
@Suite struct UndoneCommitTests {
  static let w = WorkspaceID("w")!
  static let block = #"{"request":"interaction.blockMarkdone","parameters":["1","w"],"referenceId":"b"}"#
  static let unblock = #"{"request":"interaction.unblockMarkdone","parameters":["1"],"referenceId":"u"}"#

  /// A block is being committed, its end is gathered, the session leaves; the first commits, the second fails.
  @Test func blockWhoseEndFailedGoesWithItsSession() {
    let journal = HeldJournal()
    let broker = TestBroker(journal: journal)
    let (agent, bot) = (broker.connect("w"), broker.connect("w"))
    agent.publish("IDLE")
    journal.finish(.success(()))
    broker.run()
    bot.send(Self.block)
    bot.send(Self.unblock)
    bot.disconnect()
    journal.finish(.success(()))
    broker.run()
    journal.finish(.failure(.unavailable("test")))
    broker.run()
    // Anything that is committed later lifts what could not be lifted.
    agent.publish("IDLE", "2")
    for _ in 1...5 {
      journal.finish(.success(()))
      broker.run()
    }
    _ = agent.received()
    agent.send(#"{"request":"interaction.markdone","parameters":["1"],"referenceId":"m"}"#)
    for _ in 1...5 {
      journal.finish(.success(()))
      broker.run()
    }
    #expect(agent.received().map(\.errorCode) == [""])
  }

  /// A monitor's message is the only one in a workspace that another broker began meanwhile.
  @Test(arguments: [false, true]) func messageOfAMonitorIsDecidedAgain(afterItsEnd: Bool) {
    let shared = SharedJournal()
    let journals = [SimulatedJournal(shared), SimulatedJournal(shared)]
    let brokers = journals.map { TestBroker(journal: $0) }
    let other = brokers[0].connect("w")
    journals[0].finishEverything(for: brokers[0])
    let bot = brokers[1].connect("*")
    bot.send(
      #"{"event":"publish","workspaceId":"w","referenceId":"1","data":{"event":"agent","data":{"n":1}}}"#)
    while journals[1].readsWaiting > 0 {
      journals[1].finishRead(0, succeeds: true)
      brokers[1].run()
    }
    other.publish("IDLE")
    journals[0].finishEverything(for: brokers[0])
    if afterItsEnd { bot.disconnect() }
    for _ in 1...5 { journals[1].finishEverything(for: brokers[1]) }
    #expect(shared.conflicts == 1)
    if !afterItsEnd { #expect(bot.received().map(\.errorCode) == [""]) }
    #expect(shared.stream(Self.w).last == 2)
    if afterItsEnd { #expect(bot.session.loop.monitors.isEmpty) }
  }

  /// The same with a session that published and left.
  @Test func publishOfASessionThatLeftIsDecidedAgain() {
    let shared = SharedJournal()
    let journals = [SimulatedJournal(shared), SimulatedJournal(shared)]
    let brokers = journals.map { TestBroker(journal: $0) }
    let other = brokers[0].connect("w")
    let source = brokers[1].connect("w")
    for index in 0...1 { journals[index].finishEverything(for: brokers[index]) }
    source.publish("RINGING", "9")
    source.disconnect()
    other.publish("IDLE")
    journals[0].finishEverything(for: brokers[0])
    for _ in 1...5 { journals[1].finishEverything(for: brokers[1]) }
    #expect(shared.conflicts == 1)
    #expect(shared.stream(Self.w).last == 2)
  }

  private struct Two {
    let shared = SharedJournal()
    let journals: [SimulatedJournal]
    let brokers: [TestBroker]
    init() {
      journals = [SimulatedJournal(shared), SimulatedJournal(shared)]
      brokers = journals.map { TestBroker(journal: $0) }
    }
    func settle(_ index: Int) { journals[index].finishEverything(for: brokers[index]) }
  }

  /// Reading what others appended fails; the retry a second later succeeds.
  @Test func subscriberMissesNothingWhenReadingWhatOthersAppendedFailsOnce() {
    let two = Two()
    let other = two.brokers[0].connect("w")
    let agent = two.brokers[1].connect("w")
    for index in 0...1 { two.settle(index) }
    agent.subscribe("interaction")
    two.settle(1)
    _ = agent.received()
    other.publish("IDLE", "other")
    two.settle(0)
    agent.publish("RINGING", "own")
    two.journals[1].finishAppend(succeeds: true)
    two.brokers[1].run()
    while two.journals[1].readsWaiting > 0 {
      two.journals[1].finishRead(0, succeeds: false)
      two.brokers[1].run()
    }
    two.settle(1)
    two.brokers[1].advance(milliseconds: 1_100)
    two.settle(1)
    agent.publish("RINGING", "own2")
    two.settle(1)
    let offsets = agent.received()
    // Either it was closed, so that it finds out, or it got the other's event.
    #expect(agent.sink.closed != nil || offsets.contains { $0.contains(#""other""#) }, "\(offsets)")
  }

  /// A replay that ends between two pages of what others appended.
  @Test func replayThatEndsWhileOthersAreReadMissesNothing() {
    let two = Two()
    let other = two.brokers[0].connect("w")
    let agent = two.brokers[1].connect("w")
    let reader = two.brokers[1].connect("w")
    for index in 0...1 { two.settle(index) }
    for number in 1...3 { agent.publish("IDLE", "\(number)") }
    two.settle(1)
    reader.send(["event": "subscribe", "data": ["interaction"], "referenceId": "s", "since": "beginning"])
    two.journals[1].finishAppend(succeeds: true)
    two.brokers[1].run()
    // The other broker catches up and adds ten.
    for number in 1...10 { other.publish("IDLE", "o\(number)") }
    two.settle(0)
    agent.publish("RINGING", "own")
    two.journals[1].finishAppend(succeeds: true)
    two.brokers[1].run()
    var turn = 0
    // The pages of what others appended first, as far as one; then the replay's.
    while two.journals[1].isBusy, turn < 1_000 {
      turn += 1
      two.journals[1].finishRead(turn <= 3 ? 1 : 0, succeeds: true)
      two.brokers[1].run()
      if turn > 12 { two.journals[1].finishAppend(succeeds: true) }
      two.brokers[1].run()
    }
    for _ in 1...10 { two.brokers[1].advance(milliseconds: 20); two.settle(1) }
    let offsets = reader.received().compactMap { $0.contains(#""event":"interaction""#) ? $0.offset : nil }
    #expect(offsets == Array(1...offsets.count) && offsets.count == 14, "\(offsets)")
  }

  /// A block that was refused comes of itself when the message is decided again; its session is gone.
  @Test func blockOfASessionThatLeftBeforeItWasDecidedAgainIsLifted() {
    let two = Two()
    let other = two.brokers[0].connect("w")
    let agent = two.brokers[1].connect("w")
    let bot = two.brokers[1].connect("w")
    for index in 0...1 { two.settle(index) }
    other.publish("IDLE", "1")
    two.settle(0)
    agent.publish("IDLE", "2")
    bot.send(Self.block)
    bot.disconnect()
    for _ in 1...5 { two.settle(1) }
    #expect(two.shared.conflicts > 0)
    _ = agent.received()
    agent.send(#"{"request":"interaction.markdone","parameters":["1"],"referenceId":"m"}"#)
    for _ in 1...5 { two.settle(1) }
    #expect(agent.received().map(\.errorCode) == [""])
  }

  /// What is decided again of a session that is gone is remembered for ever.
  @Test func nothingIsKeptOfASessionThatLeftBeforeItsMessagesWereDecidedAgain() {
    let two = Two()
    let other = two.brokers[0].connect("w")
    let agent = two.brokers[1].connect("w")
    let reader = two.brokers[1].connect("w")
    for index in 0...1 { two.settle(index) }
    let filling = String(repeating: "x", count: 30_000)
    agent.send(
      #"{"event":"publish","data":{"event":"interaction","data":{"eventType":"IDLE","interaction":{"interactionId":"1","userData":{"f":"\#(filling)"}}}}}"#
    )
    two.settle(1)
    other.publish("IDLE", "2")
    for _ in 1...3 { two.settle(0) }
    agent.publish("IDLE", "3")
    reader.send(#"{"request":"interaction.getInteractions","referenceId":"m"}"#)
    reader.send(["event": "subscribe", "data": ["interaction"], "referenceId": "s", "since": "beginning"])
    reader.disconnect()
    for _ in 1...5 { two.settle(1) }
    #expect(two.shared.conflicts > 0)
    let loop = agent.session.loop
    #expect(loop.window.isEmpty)
    agent.publish("IDLE", "4")
    for _ in 1...5 { two.settle(1) }
    #expect(
      loop.hosts[Self.w]!.retained.events(
        after: loop.hosts[Self.w]!.currentOffset - 1, through: loop.hosts[Self.w]!.currentOffset) == nil)
  }

  /// A deadline that is due while the workspace cannot decide.
  @Test func deadlineThatIsDueWhileTheJournalFailsDoesNotSpin() {
    let two = Two()
    let other = two.brokers[0].connect("w")
    let agent = two.brokers[1].connect("w")
    for index in 0...1 { two.settle(index) }
    agent.publish("IDLE", "1")
    agent.send(Self.block)
    for _ in 1...3 { two.settle(1) }
    other.publish("IDLE", "2")
    for _ in 1...3 { two.settle(0) }
    let host = agent.session.loop.hosts[Self.w]!
    agent.publish("IDLE", "3")
    two.journals[1].finishAppend(succeeds: true)
    two.brokers[1].run()
    #expect(host.lifecycle.state == .catchingUp && host.deadline != nil)
    // It is due. Without the journal's answer the loop fires its timer again and again, at once; this task ends that.
    two.brokers[1].clock.advance(milliseconds: 60_000)
    var (fired, turns) = (0, 0)
    let loop = two.brokers[1].loops.all[0]
    var last: ObjectIdentifier?
    func look() {
      turns += 1
      let timer = host.deadline.map { ObjectIdentifier($0.timer.futureResult) }
      if timer != last { fired += 1 }
      last = timer
      if turns == 1_000 {
        host.lifecycle.journalWasRead()
      } else {
        loop.assumeIsolated().scheduleTask(in: .zero) { look() }
      }
    }
    loop.assumeIsolated().scheduleTask(in: .seconds(30)) { look() }
    loop.advanceTime(by: .seconds(60))
    #expect(fired < 3, "\(fired)")
  }

  /// Nobody is connected any more when the journal fails; the workspace leaves or is asked again.
  @Test func workspaceThatFailedWhileItCaughtUpDoesNotStay() {
    let two = Two()
    let other = two.brokers[0].connect("w")
    let agent = two.brokers[1].connect("*")
    two.settle(0)
    agent.send(
      #"{"event":"publish","workspaceId":"w","data":{"event":"interaction","data":{"eventType":"IDLE","interaction":{"interactionId":"1"}}}}"#
    )
    two.settle(1)
    agent.send(#"{"request":"interaction.blockMarkdone","parameters":["1","w"],"workspaceId":"w","referenceId":"b"}"#)
    for _ in 1...3 { two.settle(1) }
    #expect(agent.received().last?.errorCode == "")
    other.publish("IDLE", "2")
    for _ in 1...3 { two.settle(0) }
    #expect(two.shared.stream(Self.w).last > 2)
    agent.send(#"{"event":"publish","workspaceId":"w","referenceId":"p","data":{"event":"agent","data":{"n":1}}}"#)
    let host = agent.session.loop.hosts[Self.w]!
    two.journals[1].finishAppend(succeeds: true)
    two.brokers[1].run()
    while two.journals[1].readsWaiting > 0 {
      two.journals[1].finishRead(0, succeeds: false)
      two.brokers[1].run()
    }
    for _ in 1...5 { two.settle(1) }
    #expect(host.lifecycle.failure != nil)
    for _ in 1...10 {
      two.brokers[1].advance(milliseconds: 1_000)
      two.settle(1)
    }
    _ = agent.received()
    agent.send(#"{"event":"publish","workspaceId":"w","referenceId":"p","data":{"event":"agent","data":{"n":1}}}"#)
    for _ in 1...5 { two.settle(1) }
    #expect(agent.received().last?.errorCode == "")
  }

  /// The last message of a monitor that has ended is undone together with a later commit of the same workspace: its block
  /// is lifted between the two.
  @Test(arguments: [false, true]) func blockIsLiftedOnTheStateWithoutWhatFailed(anotherFollows: Bool) {
    let journal = HeldJournal()
    let broker = TestBroker(journal: journal)
    let (agent, bot) = (broker.connect("w"), broker.connect("*"))
    func finish(_ result: Result<Void, JournalError> = .success(())) {
      journal.finish(result)
      broker.run()
    }
    agent.publish("IDLE")
    finish()
    bot.send(#"{"request":"interaction.blockMarkdone","parameters":["1","w"],"workspaceId":"w","referenceId":"b"}"#)
    finish()
    bot.send(#"{"event":"publish","workspaceId":"w","data":{"event":"agent","data":{"n":1}}}"#)
    agent.publish("RINGING", "2")
    bot.disconnect()
    _ = agent.received()
    journal.finish(.failure(.unavailable("test")))
    if anotherFollows { agent.sendWithoutRunning(TestClient.publication("RINGING", "3", reference: "r").jsonText) }
    broker.run()
    let offsets = journal.batches.last!.map(\.offset)
    #expect(offsets == Array(3..<(3 + JournalOffset(offsets.count))), "\(offsets)")
    let host = agent.session.loop.hosts[Self.w]!
    #expect(host.currentOffset == 2 + JournalOffset(offsets.count))
    for _ in 1...5 { finish() }
    #expect(host.currentOffset == host.durableOffset)
    if anotherFollows { #expect(agent.received().map(\.summary).last == "r") }
  }

  /// The same across two workspaces.
  @Test func blockInAnotherWorkspaceIsLiftedOnTheStateWithoutWhatFailed() {
    for _ in 1...1 {
      let journal = HeldJournal()
      let broker = TestBroker(journal: journal)
      let names = (1...6).map { "w\($0)" }
      let (agents, bot) = (names.map { broker.connect($0) }, broker.connect("*"))
      func finish(_ result: Result<Void, JournalError> = .success(())) {
        journal.finish(result)
        broker.run()
      }
      for agent in agents { agent.publish("IDLE") }
      for _ in 1...4 { finish() }
      for name in names {
        bot.send(
          #"{"request":"interaction.blockMarkdone","parameters":["1","w"],"workspaceId":"\#(name)","referenceId":"b"}"#)
      }
      for _ in 1...4 { finish() }
      bot.send(#"{"event":"publish","workspaceId":"w1","data":{"event":"agent","data":{"n":1}}}"#)
      for agent in agents { agent.publish("RINGING", "2") }
      bot.disconnect()
      finish(.failure(.unavailable("test")))
      for name in names.dropFirst() {
        let host = agents[0].session.loop.hosts[WorkspaceID(name)!]!
        #expect(
          host.currentOffset == 3 && host.durableOffset == 2, "\(name) \(host.currentOffset) \(host.durableOffset)")
      }
    }
  }
}
