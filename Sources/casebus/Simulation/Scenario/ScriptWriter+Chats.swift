import CasebusProtocol
import CasebusWorkspace

extension ScriptWriter {
  mutating func writeChat() {
    var chat = newChat()
    guard join(chat) else { return }
    converse(&chat)
    if chance(50) {
      if chance(50) { add(.tryMarkdone, to: chat, after: 2...5) }
      setDisposition(of: &chat)
    }
    publish(.idle, of: chat, after: 10...40)
    wrapUp(&chat)
  }

  /// The agent passes the chat on; sometimes nobody takes it the first time.
  mutating func writeTransferredChat() {
    var chat = newChat()
    guard join(chat) else { return }
    converse(&chat)
    if chance(30) {
      publish(.transferring, of: chat, after: 5...20)
      publish(.historyDone, of: chat, after: 15...30)
    }
    publish(.transferring, of: chat, after: 5...20)
    publish(.transferCompleted, of: chat, after: 5...15)
  }

  /// The agent comes to help with a colleague's chat, and leaves before it ends.
  mutating func writeConferenceChat() {
    var chat = newChat()
    let parties = [chat.customer.name, pick(["Ben Achterberg", "Noor Haddad"])]
    chat.opening["parties"] = .array(parties.map { ["name": .string($0)] })
    begin(chat, .invitedConference, after: 5...30)
    selectCase(of: chat, after: 1...4)
    load(chat)
    converse(&chat)
    publish(.leftConference, of: chat, ["parties": [["name": .string(chat.customer.name)]]], after: 10...30)
    wrapUp(&chat)
  }
}

// MARK: - Scenes

extension ScriptWriter {
  /// - Returns: false if the chat is revoked before the agent accepts it; then it has ended.
  private mutating func join(_ chat: ScriptedInteraction) -> Bool {
    begin(chat, .invited, after: 5...30)
    if chance(12) {
      publish(.revoked, of: chat, after: 15...25)
      return false
    }
    publish(.accepted, of: chat, after: 2...8)
    selectCase(of: chat, after: 0...1)
    load(chat)
    return true
  }

  private mutating func load(_ chat: ScriptedInteraction) {
    publish(.joinPending, of: chat, after: 0...1)
    if chance(10) {
      publish(.joinFailed, of: chat, after: 3...8)
      publish(.joinPending, of: chat, after: 2...4)
    }
    publish(.historyInProgress, of: chat, after: 1...2)
    publish(.historyDone, of: chat, after: 1...3)
  }

  private mutating func converse(_ chat: inout ScriptedInteraction) {
    if chance(60) { setUserData(["sentiment": .string(pick(["good", "neutral", "bad"]))], of: &chat, after: 10...30) }
    if chance(40) {
      add(.publishCase(.collapsed, caseID: chat.caseID), to: chat, after: 3...10)
      add(.publishCase(.expanded, caseID: chat.caseID), to: chat, after: 5...20)
    }
    if chance(50) {
      chat.userData["queuePosition"] = nil
      add(.deleteUserData(key: "queuePosition"), to: chat, after: 2...10)
    }
  }

  private mutating func newChat() -> ScriptedInteraction {
    var chat = newInteraction("chat", media: "chat")
    chat.opening["interactionUUID"] = .string(uuid(length: 16))
    chat.userData = [
      "customerId": .string(chat.customer.id), "segment": .string(chat.customer.segment),
      "page": .string(pick(["/checkout", "/returns", "/account/login", "/plans"])),
      "topic": .string(pick(["Where is my parcel?", "Größe tauschen", "Paiement refusé"])),
      "queuePosition": .number(JSONNumber(number(in: 1...9))),
    ]
    return chat
  }
}
