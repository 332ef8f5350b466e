import CasebusBroker
import CasebusJournal
import CasebusProtocol
import Testing

/// Positions, and replays of what a session missed (Protocol §9.1, §9.2).
@Suite struct ResumeTests {
  static func subscribe(_ since: JSONValue? = nil, _ names: [JSONValue] = ["interaction"]) -> JSONValue {
    var message: JSONObject = ["event": "subscribe", "data": .array(names), "referenceId": "s", "positions": true]
    message["since"] = since
    return .object(message)
  }

  static func since(_ offset: Int, epoch: String) -> JSONValue {
    ["epoch": .string(epoch), "offset": .number(JSONNumber(offset))]
  }

  /// A client that asks for what it missed; gives its answer and what follows.
  static func resume(_ broker: TestBroker, after offset: Int, epoch: String) -> (TestClient, [String]) {
    let client = broker.connect()
    client.send(subscribe(since(offset, epoch: epoch)))
    return (client, client.received())
  }

  @Test func answersAndEventsTellPositionsToThoseWhoAsked() {
    let broker = TestBroker()
    let (plain, positioned) = (broker.connect(), broker.connect())
    plain.subscribe("interaction")
    positioned.send(Self.subscribe())
    let epoch = positioned.received()[0].epoch
    positioned.send(TestClient.publication("RINGING", reference: "1"))
    let end = #","offset":1,"epoch":"\#(epoch)"}"#
    let received = positioned.received()
    #expect(received.map(\.summary) == ["1", "RINGING"])
    #expect(received.allSatisfy { $0.hasSuffix(end) })
    #expect(plain.received().allSatisfy { !$0.contains("offset") })
  }

  @Test func messagesToChannelsHaveNoPosition() {
    let broker = TestBroker()
    let (sender, reader) = (broker.connect(), broker.connect())
    reader.send(Self.subscribe(nil, ["messenger:a"]))
    _ = reader.received()
    sender.send(#"{"request":"messenger.broadcastMessage","parameters":["a",1]}"#)
    #expect(
      reader.received() == [#"{"event":"messenger:a","data":1,"userAgent":"WWE Server","protocolVersion":2}"#])
  }

  @Test func missedEventsComeBeforeLiveOnes() {
    let broker = TestBroker()
    let client = broker.connect()
    client.send(Self.subscribe())
    let epoch = client.received()[0].epoch
    client.publish("RINGING")
    client.disconnect()
    let source = broker.connect()
    source.publish("TALKING")
    source.publish("HELD")
    let (again, received) = Self.resume(broker, after: 1, epoch: epoch)
    #expect(received.map(\.summary) == ["s", "TALKING", "HELD"])
    #expect(received[0].contains(#""recovered":true,"offset":3,"#))
    #expect(received.dropFirst().map(\.offset) == [2, 3])
    source.publish("TALKING")
    #expect(again.received().map(\.offset) == [4])
  }

  @Test func eventsThatWereNotWantedAreNotReplayed() {
    let broker = TestBroker()
    let client = broker.connect()
    client.publish("IDLE")
    client.send(#"{"request":"interaction.blockMarkdone","parameters":["1","w"]}"#)
    client.publish("IDLE")
    client.send(Self.subscribe("beginning", ["markdone"]))
    #expect(client.received().last?.summary == "MARKDONE_BLOCKED")
  }

  @Test func nothingMissedIsRecoveredAtOnce() {
    let broker = TestBroker()
    let client = broker.connect()
    client.publish("RINGING")
    client.send(Self.subscribe("beginning"))
    let epoch = client.received().last!.epoch
    let (_, received) = Self.resume(broker, after: 1, epoch: epoch)
    #expect(received.count == 1 && received[0].contains(#""recovered":true"#))
  }

  @Test(arguments: [("another", 1), (nil, 99), (nil, 0)])
  func whatCannotBeProvenWholeIsNotReplayed(_ epoch: String?, _ offset: Int) {
    let broker = TestBroker(journal: MemoryJournal(recordsPerWorkspaceMax: 2))
    let client = broker.connect()
    client.send(Self.subscribe())
    let own = client.received()[0].epoch
    for _ in 0..<4 { client.publish("RINGING") }
    let (again, received) = Self.resume(broker, after: offset, epoch: epoch ?? own)
    #expect(received.count == 1)
    #expect(received[0].contains(#""recovered":false,"offset":4,"epoch":"\#(own)""#))
    client.publish("TALKING")
    #expect(again.received().map(\.offset) == [5])
  }

  @Test func longReplayWaitsForTheClientAndOthersDoNot() {
    let broker = TestBroker(journal: MemoryJournal(recordsPerWorkspaceMax: 10_000))
    let source = broker.connect()
    for _ in 0..<2_000 { source.publish("RINGING") }
    let client = broker.connect()
    client.sink.isWritable = false
    client.send(Self.subscribe("beginning"))
    #expect(client.received().count == 257)
    source.publish("TALKING")
    source.send(#"{"request":"interaction.getInteractions","referenceId":"q"}"#)
    #expect(source.received().map(\.summary) == ["q"])
    client.sink.isWritable = true
    broker.run()
    source.publish("HELD")
    #expect(client.received().map(\.offset) == Array(257...2_002))
  }

  @Test func eventsThatCameDuringTheReplayAreNotLostWhenTheTailIsFull() {
    var configuration = BrokerConfiguration()
    configuration.replayTailBytesMax = 1_000
    let broker = TestBroker(
      journal: MemoryJournal(recordsPerWorkspaceMax: 10_000), configuration: configuration)
    let source = broker.connect()
    for _ in 0..<300 { source.publish("RINGING") }
    let client = broker.connect()
    client.sink.isWritable = false
    client.send(Self.subscribe("beginning"))
    for _ in 0..<300 { source.publish("RINGING") }
    client.sink.isWritable = true
    broker.run()
    broker.advance(milliseconds: 10)
    source.publish("TALKING")
    #expect(client.received().dropFirst().map(\.offset) == Array(1...601))
  }

  @Test func laterSubscriptionTakesEffectAfterTheReplay() {
    let broker = TestBroker(journal: MemoryJournal(recordsPerWorkspaceMax: 10_000))
    let source = broker.connect()
    for _ in 0..<300 { source.publish("RINGING") }
    let client = broker.connect()
    client.sink.isWritable = false
    client.send(Self.subscribe("beginning"))
    client.send(#"{"event":"subscribe","data":"agent","referenceId":"second"}"#)
    source.send(#"{"event":"publish","data":{"event":"agent","data":{}}}"#)
    #expect(client.received().map(\.summary).contains("second") == false)
    client.sink.isWritable = true
    broker.run()
    let received = client.received()
    #expect(received.last?.summary == "second")
    #expect(!received.contains { $0.contains(#""event":"agent""#) })
  }

  @Test func unsubscribingEndsTheReplay() {
    let broker = TestBroker()
    let source = broker.connect()
    for _ in 0..<600 { source.publish("RINGING") }
    let client = broker.connect()
    client.sink.isWritable = false
    client.send(Self.subscribe("beginning"))
    let id = client.received()[0].subscriptionID
    client.send(["event": "unsubscribe", "data": .string(id), "referenceId": "u"])
    client.sink.isWritable = true
    broker.run()
    source.publish("TALKING")
    #expect(client.received().map(\.summary) == ["u"])
  }

  @Test func roomThatACancelledReplayWaitedForReadsNoPageTwice() {
    let broker = TestBroker(journal: MemoryJournal(recordsPerWorkspaceMax: 10_000))
    let source = broker.connect()
    for _ in 0..<1_000 { source.publish("RINGING") }
    let client = broker.connect()
    client.sink.isWritable = false
    client.send(Self.subscribe("beginning"))
    let id = client.received()[0].subscriptionID
    client.send(["event": "unsubscribe", "data": .string(id), "referenceId": "u"])
    client.send(Self.subscribe("beginning"))
    client.sink.isWritable = true
    broker.run()
    #expect(client.received().compactMap(\.offset) == [1_000, 1_000] + Array(1...1_000))
  }

  @Test func replayReadsNothingWhileALoopHasTooMuchToDeliver() {
    var configuration = BrokerConfiguration()
    configuration.undeliveredBytesMax = 1
    let broker = TestBroker(
      journal: MemoryJournal(recordsPerWorkspaceMax: 10_000), configuration: configuration)
    let source = broker.connect()
    func publish() {
      source.publish("RINGING")
      broker.advance(milliseconds: 1)
    }
    for _ in 0..<300 { publish() }
    let client = broker.connect()
    client.sink.isWritable = false
    client.send(Self.subscribe("beginning"))
    #expect(client.received().last?.offset == 256)
    source.publish("TALKING")
    client.sink.isWritable = true
    broker.run()
    #expect(client.received() == [])
    broker.advance(milliseconds: 1)
    #expect(client.received().map(\.offset) == Array(257...301))
  }

  @Test func failingJournalMakesAReplayWaitButLosesNothing() {
    let journal = LastingJournal()
    let broker = TestBroker(journal: journal)
    let source = broker.connect()
    for _ in 0..<300 { source.publish("RINGING") }
    let client = broker.connect()
    client.sink.isWritable = false
    client.send(Self.subscribe("beginning"))
    for _ in 0..<10 { source.publish("RINGING") }
    journal.failure = .unavailable("disk full")
    source.sendWithoutRunning(TestClient.publication("TALKING").jsonText)
    client.sink.isWritable = true
    broker.run()
    for _ in 0..<20 { broker.advance(milliseconds: 10) }
    journal.failure = nil
    broker.advance(milliseconds: 10)
    source.publish("HELD")
    source.publish("TALKING")
    #expect(client.received().dropFirst().map(\.offset) == Array(1...311))
  }

  @Test func endOfAReplayThatWasGivenUpIsNotTakenForAnothers() {
    let journal = HeldJournal(LastingJournal())
    let broker = TestBroker(journal: journal)
    let source = broker.connect()
    for _ in 0..<3 {
      source.publish("RINGING")
      journal.finish(.success(()))
      broker.run()
    }
    let client = broker.connect()
    client.sink.isWritable = false
    client.send(Self.subscribe("beginning"))
    let id = client.received()[0].subscriptionID
    // From here on the answers wait for a commit: that of the end of the first replay comes after the second began.
    source.publish("RINGING")
    client.send(["event": "unsubscribe", "data": .string(id), "referenceId": "u"])
    client.send(Self.subscribe("beginning"))
    client.sink.isWritable = true
    broker.run()
    journal.finish(.success(()))
    broker.run()
    journal.finish(.success(()))
    broker.run()
    #expect(client.received().suffix(4).map(\.offset) == [1, 2, 3, 4])
  }

  @Test func sinceIsForTheFirstSubscriptionOnly() {
    let client = TestBroker().connect()
    client.subscribe("agent")
    client.send(Self.subscribe("beginning"))
    #expect(client.received().allSatisfy { $0.contains("invalid_message") })
  }

  @Test func monitorHasNoPlaceInOneStream() {
    let client = TestBroker().connect("*")
    client.send(Self.subscribe("beginning"))
    #expect(client.received().allSatisfy { $0.contains("workspace_required") })
  }

  @Test func monitorIsToldPositions() {
    let broker = TestBroker()
    let monitor = broker.connect("*")
    monitor.send(Self.subscribe())
    #expect(monitor.received().allSatisfy { !$0.contains("offset") })
    broker.connect("a").publish("RINGING")
    #expect(monitor.received()[0].contains(#""workspaceId":"a","offset":1,"epoch":""#))
  }
}

extension String {
  private var object: JSONValue { try! JSONValue(parsing: self, limits: JSONLimits(depthMax: 64)) }

  var epoch: String { object["epoch"]?.stringValue ?? "" }

  var subscriptionID: String { object["subscriptionId"]?.stringValue ?? "" }

  var offset: Int? {
    if case .number(let number) = object["offset"] { number.integer } else { nil }
  }
}
