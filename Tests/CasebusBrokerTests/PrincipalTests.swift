import CasebusAccess
import CasebusBroker
import CasebusProtocol
import Testing

/// Whose markdone blocks are whose (Protocol §8.2).
@Suite struct PrincipalTests {
  private static let block = #"{"request":"interaction.blockMarkdone","parameters":["1","wait"],"referenceId":"b"}"#
  private static let unblock = #"{"request":"interaction.unblockMarkdone","parameters":["1"],"referenceId":"u"}"#
  private static let markdone = #"{"request":"interaction.markdone","parameters":["1"],"referenceId":"m"}"#

  private static func broker() -> (TestBroker, agent: TestClient) {
    let broker = TestBroker()
    let agent = broker.connect()
    agent.publish("IDLE")
    _ = agent.received()
    return (broker, agent)
  }

  private static func answer(to message: String, of client: TestClient) -> String? {
    client.send(message)
    return client.received().last?.errorCode
  }

  @Test func blockOfAnAnonymousSessionGoesWithIt() {
    let (broker, agent) = Self.broker()
    let bot = broker.connect()
    #expect(Self.answer(to: Self.block, of: bot) == "")
    #expect(Self.answer(to: Self.markdone, of: agent) == "markdone_blocked")
    bot.disconnect()
    #expect(Self.answer(to: Self.markdone, of: agent) == "")
  }

  @Test(arguments: [nil, "*"]) func blockOfAPrincipalOutlivesItsSessionAndItsNextSessionLiftsIt(scope: String?) {
    let (broker, agent) = Self.broker()
    let principal = Principal(name: "crm-bot")
    let bot = broker.connect(scope, as: principal)
    bot.send(scope == nil ? Self.block : Self.block.naming("default"))
    bot.disconnect()
    #expect(Self.answer(to: Self.markdone, of: agent) == "markdone_blocked")
    let next = broker.connect(as: principal)
    #expect(Self.answer(to: Self.unblock, of: next) == "")
    #expect(Self.answer(to: Self.markdone, of: agent) == "")
  }
}

extension String {
  /// The message for a workspace, from a monitor.
  fileprivate func naming(_ workspace: String) -> String { dropLast() + #","workspaceId":"\#(workspace)"}"# }
}
