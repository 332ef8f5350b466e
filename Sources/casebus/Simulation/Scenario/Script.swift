import CasebusProtocol
import CasebusWorkspace

/// The course of one piece of work, from its arrival to its end. It ends every interaction that it begins.
struct Script: Hashable {
  enum Kind: CaseIterable {
    case inboundCall, outboundCall, previewCall, consultationCall
    case chat, transferredChat, conferenceChat
    case emailReply, transferredEmail
  }

  var kind: Kind
  var steps: [Step]
}

/// One publish of the source, or one action of the agent at the desktop.
struct Step: Hashable {
  enum Action: Hashable {
    case publishState(InteractionState, attributes: JSONObject)
    case publishCase(CaseEvent.Kind, caseID: String)
    case selectCase(caseID: String)
    case setUserData(JSONObject)
    case deleteUserData(key: String)
    case blockMarkdone(warning: String)
    case unblockMarkdone
    /// A hasty mark done: if it is refused, the script continues.
    case tryMarkdone
    /// The last step about its interaction: if it is refused, the agent tries again.
    case markdone
  }

  /// Seconds since the step before in the script.
  var pauseSeconds: Int
  var interactionID: String
  var action: Action
}
