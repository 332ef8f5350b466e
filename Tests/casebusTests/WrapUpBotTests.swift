import CasebusProtocol
import Testing

@testable import casebus

@Suite struct WrapUpBotTests {
  private var bot = WrapUpBot()

  @Test mutating func blocksWhatCouldBeMarkedDoneWithoutADisposition() {
    #expect(bot.eventReceived(call(.talking)) == .none)
    #expect(bot.eventReceived(call(.idle)) == .block(interactionID: "1"))
    #expect(bot.eventReceived(call(.idle)) == .none, "one block is enough")
  }

  @Test mutating func unblocksOnceThereIsADisposition() {
    _ = bot.eventReceived(call(.idle))
    #expect(bot.eventReceived(call(.idle, ["disposition": "resolved"])) == .unblock(interactionID: "1"))
    #expect(bot.eventReceived(call(.idle, ["disposition": "resolved"])) == .none)
  }

  @Test mutating func letsAloneWhatHasADispositionAlready() {
    #expect(bot.eventReceived(call(.idle, ["disposition": "resolved"])) == .none)
  }

  @Test mutating func letsAloneWhatIsNotTheMainInteractionOfItsCase() {
    #expect(bot.eventReceived(.interaction(state: .idle, id: "1", isMain: false, userData: [:])) == .none)
  }

  @Test mutating func blocksAgainWhenItsBlockHasExpired() {
    _ = bot.eventReceived(call(.idle))
    #expect(bot.eventReceived(.blockExpired(interactionID: "1")) == .block(interactionID: "1"))
    #expect(bot.eventReceived(.blockExpired(interactionID: "2")) == .none, "that is somebody else's block")
  }

  @Test mutating func forgetsWhatHasEnded() {
    _ = bot.eventReceived(call(.idle))
    #expect(bot.eventReceived(call(.completed)) == .none)
    #expect(bot.eventReceived(.blockExpired(interactionID: "1")) == .none)
  }

  private func call(_ state: InteractionState, _ userData: JSONObject = [:]) -> BusEvent {
    .interaction(state: state, id: "1", isMain: true, userData: userData)
  }
}
