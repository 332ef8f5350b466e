import CasebusProtocol
import CasebusWorkspace

extension Step {
  /// The message to the broker.
  enum Message {
    /// By the source, as `interaction`.
    case publish(JSONValue)
    /// By the agent's desktop.
    case request(String, [JSONValue])
  }

  var message: Message {
    let id = JSONValue.string(interactionID)
    return switch action {
    case .publishState(let state, let attributes):
      .publish(["eventType": .string(state.rawValue), "interaction": .object(attributes)])
    case .publishCase(let kind, let caseID):
      .publish(["eventType": .string(kind.rawValue), "selectedCaseId": .string(caseID)])
    case .selectCase(let caseID): .request("interaction.selectCaseByCaseId", [.string(caseID)])
    case .setUserData(let userData): .request("interaction.setUserData", [id, .object(userData)])
    case .deleteUserData(let key): .request("interaction.deleteUserData", [id, .string(key)])
    case .blockMarkdone(let warning): .request("interaction.blockMarkdone", [id, .string(warning)])
    case .unblockMarkdone: .request("interaction.unblockMarkdone", [id])
    case .tryMarkdone, .markdone: .request("interaction.markdone", [id])
    }
  }
}
