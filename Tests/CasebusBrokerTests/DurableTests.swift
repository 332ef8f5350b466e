import CasebusBroker
import CasebusJournal
import CasebusProtocol
import Testing

/// Durable consumers as their sessions see them (Protocol §9.3–§9.5).
@Suite struct DurableTests {
  @Test func firstSubscribeMakesTheConsumerAndBeginsNow() {
    let broker = TestBroker()
    let (agent, bot) = (broker.connect(), broker.connect())
    agent.publish("RINGING")
    bot.joinDurable("bot")
    let answer = bot.received()
    #expect(answer.count == 1 && answer[0].contains(#""protocolVersion":2,"durable":"bot","offset":1,"epoch":""#))
    agent.publish("TALKING")
    let events = bot.received()
    #expect(events.map(\.summary) == ["TALKING"] && events.map(\.offset) == [2])
    #expect(!events[0].contains("delivery") && !events[0].contains("workspaceId"))
  }

  @Test func acknowledgedEventsDoNotComeAgain() {
    let broker = TestBroker()
    let (agent, bot) = (broker.connect(), broker.connect())
    bot.joinDurable("bot")
    for state in ["RINGING", "TALKING", "HELD"] { agent.publish(state) }
    bot.send(#"{"event":"ack","data":{"offset":2},"referenceId":"a"}"#)
    #expect(bot.received().last?.hasPrefix(#"{"referenceId":"a","data":null,"#) == true)
    bot.disconnect()
    let again = broker.connect()
    again.joinDurable("bot")
    let events = again.received().dropFirst()
    #expect(events.map(\.summary) == ["HELD"])
    #expect(events.first?.hasSuffix(#","delivery":2}"#) == true)
  }

  @Test func acknowledgementWithoutAReferenceIsNotAnswered() {
    let (_, agent, bot) = Self.botAndAgent()
    agent.publish("RINGING")
    _ = bot.received()
    bot.send(#"{"event":"ack","data":{"offset":1}}"#)
    #expect(bot.received() == [])
  }

  @Test(arguments: [
    (#"{"event":"ack","data":{"offset":2},"referenceId":"a"}"#, "invalid_parameters"),
    (#"{"event":"ack","data":{"offset":2}}"#, "invalid_parameters"),
    (#"{"event":"ack","data":{"workspaceId":"default","offset":1},"referenceId":"a"}"#, "invalid_message"),
  ]) func acknowledgementThatIsNoneFails(message: String, code: String) {
    let (_, agent, bot) = Self.botAndAgent()
    agent.publish("RINGING")
    _ = bot.received()
    bot.send(message)
    #expect(bot.received().map(\.errorCode) == [code])
  }

  @Test func acknowledgementWithoutADurableSubscriptionFails() {
    let client = TestBroker().connect()
    client.subscribe("interaction")
    client.send(#"{"event":"ack","data":{"offset":0}}"#)
    #expect(client.received().map(\.errorCode) == ["invalid_message"])
  }

  @Test func unacknowledgedEventComesAgainAfterTheTimeoutAndIsParkedInTheEnd() {
    var configuration = BrokerConfiguration()
    configuration.maxDeliveries = 3
    let (broker, agent, bot) = Self.botAndAgent(configuration: configuration)
    agent.publish("RINGING")
    _ = bot.received()
    for number in 2...3 {
      broker.advance(milliseconds: 29_999)
      #expect(bot.received() == [])
      broker.advance(milliseconds: 1)
      #expect(bot.received().map { $0.hasSuffix(#","delivery":\#(number)}"#) } == [true])
    }
    broker.advance(milliseconds: 30_000)
    broker.advance(milliseconds: 30_000)
    #expect(bot.received() == [])
    bot.send(#"{"request":"consumer.get","parameters":["bot"],"referenceId":"g"}"#)
    let report = bot.received()[0]
    #expect(report.contains(#""position":1,"backlog":0,"unacknowledged":0,"parked":1,"workspaces":["#))
    #expect(report.contains(#""parked":[{"offset":1,"deliveries":3,"time":1700000090000,"reason":"ack_timeout"}]"#))
  }

  @Test func sinceSaysWhereTheConsumerBegins() {
    let broker = TestBroker()
    let agent = broker.connect()
    for state in ["RINGING", "TALKING", "HELD"] { agent.publish(state) }
    let bot = broker.connect()
    bot.joinDurable("all", since: #""beginning""#)
    let messages = bot.received()
    #expect(messages.dropFirst().map(\.offset) == [1, 2, 3])
    let late = broker.connect()
    late.joinDurable("late", since: #"{"epoch":"\#(messages[0].epoch)","offset":2}"#)
    #expect(late.received().dropFirst().map(\.offset) == [3])
    let wrong = broker.connect()
    wrong.joinDurable("wrong", since: #"{"epoch":"\#(messages[0].epoch)","offset":4}"#)
    wrong.joinDurable("wrong", since: #"{"epoch":"other","offset":1}"#)
    #expect(wrong.received().map(\.errorCode) == ["invalid_parameters", "invalid_parameters"])
    // It was not made, and the session is free for another one.
    wrong.send(#"{"request":"consumer.get","parameters":["wrong"]}"#)
    wrong.joinDurable("late")
    #expect(wrong.received().map(\.errorCode) == ["consumer_not_found", ""])
  }

  @Test func otherNamesAreRefused() {
    let broker = TestBroker()
    let (first, second) = (broker.connect(), broker.connect())
    first.joinDurable("bot", #"["interaction","markdone"]"#)
    second.joinDurable("bot")
    second.joinDurable("bot", #"["markdone","interaction"]"#)
    let answers = second.received()
    #expect(answers.map(\.errorCode) == ["invalid_parameters", ""] && answers[0].contains("interaction, markdone"))
  }

  @Test func durableSubscriptionIsTheOnlyOne() {
    let broker = TestBroker()
    let bot = broker.connect()
    bot.subscribe("markdone")
    bot.joinDurable("bot")
    #expect(bot.received().map(\.errorCode) == ["invalid_message"])
    let other = broker.connect()
    other.joinDurable("bot")
    other.send(#"{"event":"subscribe","data":["markdone"]}"#)
    other.joinDurable("bot2")
    #expect(other.received().map(\.errorCode) == ["", "invalid_message", "invalid_message"])
  }

  @Test func pipelinedMessagesAreAnsweredInTheirOrder() {
    let bot = TestBroker().connect()
    bot.sendWithoutRunning(#"{"request":"interaction.getInteractions","referenceId":"1"}"#)
    bot.sendWithoutRunning(#"{"event":"subscribe","data":["interaction"],"durable":"bot","referenceId":"2"}"#)
    bot.sendWithoutRunning(#"{"request":"consumer.list","referenceId":"3"}"#)
    bot.sendWithoutRunning(TestClient.publication("RINGING", reference: "4").jsonText)
    bot.sendWithoutRunning(#"{"request":"interaction.getInteractions","referenceId":"5"}"#)
    #expect(!bot.sink.isReading)
    bot.broker.run()
    #expect(bot.received().map(\.summary) == ["1", "2", "3", "4", "5", "RINGING"])
    #expect(bot.sink.isReading)
  }

  @Test func unsubscribingLeavesTheConsumer() {
    let (broker, agent, bot) = Self.botAndAgent()
    agent.publish("RINGING")
    _ = bot.received()
    let other = broker.connect()
    other.joinDurable("bot")
    _ = other.received()
    bot.send(["event": "unsubscribe", "data": .string("\(bot.session.id)-1"), "referenceId": "u"])
    agent.publish("TALKING")
    #expect(bot.received().map(\.summary) == ["u"])
    #expect(other.received().map(\.summary) == ["RINGING", "TALKING"])
    bot.subscribe("interaction")
    agent.publish("HELD")
    #expect(bot.received().map(\.summary) == ["HELD"] && other.received().map(\.summary) == ["HELD"])
  }

  static func botAndAgent(
    configuration: BrokerConfiguration = BrokerConfiguration(), journal: any EventJournal = MemoryJournal()
  ) -> (TestBroker, agent: TestClient, bot: TestClient) {
    let broker = TestBroker(journal: journal, configuration: configuration)
    let (agent, bot) = (broker.connect(), broker.connect())
    bot.joinDurable("bot")
    _ = bot.received()
    return (broker, agent, bot)
  }
}

extension TestClient {
  func joinDurable(_ name: String, _ events: String = #"["interaction"]"#, since: String? = nil) {
    let since = since.map { #","since":\#($0)"# } ?? ""
    send(#"{"event":"subscribe","data":\#(events),"durable":"\#(name)"\#(since),"referenceId":"d"}"#)
  }

  func acknowledge(_ offset: Int, in workspace: String? = nil) {
    let workspace = workspace.map { #""workspaceId":"\#($0)","# } ?? ""
    send(#"{"event":"ack","data":{\#(workspace)"offset":\#(offset)},"referenceId":"a"}"#)
  }
}

extension String {
  /// What a message says went wrong; empty if nothing did.
  var errorCode: String { member("errorCode") }

  private func member(_ name: String) -> String {
    let parts = split(separator: "\"\(name)\":\"", maxSplits: 1, omittingEmptySubsequences: false)
    return parts.count < 2 ? "" : String(parts[1].prefix { $0 != "\"" })
  }
}
