import CasebusProtocol
import Testing

@testable import CasebusBroker

/// What the reports on many durable consumers cost (Protocol §10.11).
@Suite struct ConsumerReportTests {
  @Test(arguments: [nil, "*"], [1, 3])
  func theBacklogsOfManyConsumersAreReadInAFewCalls(scope: String?, loopCount: Int) {
    let journal = LastingJournal()
    let broker = TestBroker(journal: journal, loopCount: loopCount)
    for number in 100..<220 {
      let bot = broker.connect(scope)
      bot.joinDurable("bot\(number)")
      bot.disconnect()
    }
    broker.connect().publish("RINGING")

    // 120 consumers, 50 in each call.
    let restarted = TestBroker(journal: journal, loopCount: loopCount)
    let readsBefore = journal.backlogReads
    let client = restarted.connect(scope)
    client.send(#"{"request":"consumer.list","referenceId":"l"}"#)
    #expect(journal.backlogReads - readsBefore == 3 + 3)
    let answer = client.received()[0]
    #expect(answer.split(separator: #""backlog":1"#).count == 121)
    #expect(answer.contains(#""name":"bot100""#) && answer.contains(#""name":"bot219""#))
  }
}
