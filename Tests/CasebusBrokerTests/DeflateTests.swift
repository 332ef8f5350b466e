import CasebusBroker
import CasebusProtocol
import NIOCore
import Testing

/// Sessions that agreed on permessage-deflate, beside those that did not.
@Suite struct DeflateTests {
  static let message =
    #"{"event":"publish","data":{"event":"messenger:m","data":"\#(String(repeating: "lunch ", count: 50))"}}"#

  @Test func everySessionReadsTheSameWhateverItsEncoding() {
    let broker = TestBroker()
    let sender = broker.connect()
    let readers = [
      broker.connect(), broker.connect(encoding: .deflated(windowBits: 15)),
      broker.connect(encoding: .deflated(windowBits: 9)),
      broker.connect(encoding: .deflated(windowBits: 15)), broker.connect("*", encoding: .deflated(windowBits: 15)),
    ]
    for reader in readers { reader.subscribe("messenger:m") }
    for _ in 0..<3 { sender.sendWithoutRunning(Self.message) }
    broker.run()
    let messages = readers.map { $0.received() }
    #expect(messages.allSatisfy { $0.count == 3 && $0[0].contains("lunch lunch") })
    #expect(Set(messages.dropLast()).count == 1)
  }

  @Test func longMessagesAreDeflatedAndShortOnesAreNot() {
    let broker = TestBroker()
    let sender = broker.connect()
    let plain = broker.connect()
    let deflated = broker.connect(encoding: .deflated(windowBits: 15))
    for reader in [plain, deflated] { reader.subscribe("messenger:m") }
    let before = (plain.sink.bytesWritten, deflated.sink.bytesWritten)
    #expect(before.0 == before.1)
    sender.send(#"{"event":"publish","data":{"event":"messenger:m","data":1}}"#)
    #expect(plain.sink.bytesWritten == deflated.sink.bytesWritten)
    let short = plain.sink.bytesWritten
    sender.send(Self.message)
    #expect(plain.sink.bytesWritten - short > 300)
    #expect(deflated.sink.bytesWritten - short < 120)
  }

  @Test func answersAreDeflated() {
    let broker = TestBroker()
    let client = broker.connect(encoding: .deflated(windowBits: 12))
    for number in 0..<20 { client.publish("RINGING", "interaction-\(number)") }
    let before = client.sink.bytesWritten
    client.send(#"{"request":"interaction.getInteractions","referenceId":"1"}"#)
    let answer = client.received()[0]
    #expect(answer.contains("interaction-19"))
    #expect(client.sink.bytesWritten - before < answer.utf8.count / 4)
  }
}
