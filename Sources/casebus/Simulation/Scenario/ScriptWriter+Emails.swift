import CasebusProtocol

extension ScriptWriter {
  /// The agent answers; the desktop blocks the mark done of the e-mail until the reply is sent.
  mutating func writeEmailReply() {
    var email = newEmail()
    guard accept(email) else { return }
    if chance(30) {
      publish(.saved, of: email, after: 5...20)
      publish(.pulled, of: email, after: 20...60)
    }
    add(.blockMarkdone(warning: "A reply to this e-mail is not sent yet."), to: email, after: 2...5)
    writeReply(to: email)
    add(.unblockMarkdone, to: email, after: 1...2)
    if chance(40) { add(.tryMarkdone, to: email, after: 1...3) }
    setDisposition(of: &email)
    add(.markdone, to: email, after: 2...6)
  }

  mutating func writeTransferredEmail() {
    var email = newEmail()
    guard accept(email) else { return }
    setUserData(["note": "Bitte an die Buchhaltung"], of: &email, after: 10...30)
    publish(.transferring, of: email, after: 2...8)
    publish(.transferCompleted, of: email, after: 3...10)
  }
}

// MARK: - Scenes

extension ScriptWriter {
  /// - Returns: false if the e-mail is revoked before the agent accepts it; then it has ended.
  private mutating func accept(_ email: ScriptedInteraction) -> Bool {
    begin(email, .invited, after: 5...40)
    if chance(10) {
      publish(.revoked, of: email, after: 20...40)
      return false
    }
    publish(.accepted, of: email, after: 3...10)
    selectCase(of: email, after: 0...2)
    return true
  }

  private mutating func writeReply(to email: ScriptedInteraction) {
    let reply = newReply(to: email)
    begin(reply, .created, after: 2...6)
    if chance(25) {
      publish(.saved, of: reply, after: 20...60)
      publish(.pulled, of: reply, after: 20...60)
    }
    if chance(12) {
      publish(.error, of: reply, after: 5...20)
      publish(.created, of: reply, after: 3...10)
    }
    if chance(50) { add(.tryMarkdone, to: email, after: 5...20) }
    publish(chance(85) ? .sent : .cancelled, of: reply, after: 10...60)
  }

  private mutating func newEmail() -> ScriptedInteraction {
    var email = newInteraction("email", media: "email")
    email.opening["interactionUUID"] = .string(uuid(length: 16))
    email.userData = [
      "Subject": .string(pick(["Rechnung 2071", "Address change", "¿Dónde está mi pedido?", "Warranty \"Plus\""])),
      "From": .string(email.customer.emailAddress), "segment": .string(email.customer.segment),
      "attachments": .number(JSONNumber(number(in: 0...3))),
    ]
    return email
  }

  private mutating func newReply(to email: ScriptedInteraction) -> ScriptedInteraction {
    var reply = newInteraction("reply", media: "email", childOf: email)
    reply.opening["interactionUUID"] = .string(uuid(length: 16))
    reply.opening["parties"] = [["name": .string(email.customer.name)]]
    reply.userData = [
      "Subject": .string("Re: \(email.userData["Subject"]?.stringValue ?? "")"),
      "To": .string(email.customer.emailAddress),
    ]
    return reply
  }
}
