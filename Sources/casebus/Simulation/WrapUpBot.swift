import CasebusProtocol
import CasebusWorkspace

/// Prevents a mark done without a disposition. It knows only what the events tell.
struct WrapUpBot {
  static let warning = "Please choose a disposition before you mark this done."

  /// The interactions that this bot blocks.
  private var blocked: Set<String> = []

  enum OnEvent: Hashable {
    case block(interactionID: String)
    case unblock(interactionID: String)
    case none
  }

  mutating func eventReceived(_ event: BusEvent) -> OnEvent {
    switch event {
    case .interaction(let state, let id, isMain: true, let userData):
      interactionChanged(id, state, hasDisposition: userData[ScriptWriter.dispositionKey] != nil)
    // There is still no disposition, else the bot would have lifted the block.
    case .blockExpired(let id): blocked.contains(id) ? .block(interactionID: id) : .none
    case .interaction, .other: .none
    }
  }

  private mutating func interactionChanged(
    _ id: String, _ state: InteractionState, hasDisposition: Bool
  ) -> OnEvent {
    let rule = StateRule.of(state)
    if rule.isTerminal {
      blocked.remove(id)
    } else if hasDisposition {
      if blocked.remove(id) != nil { return .unblock(interactionID: id) }
    } else if rule.allowsMarkdone, blocked.insert(id).inserted {
      return .block(interactionID: id)
    }
    return .none
  }
}
