import CasebusProtocol

extension ScriptWriter {
  mutating func writeInboundCall() {
    var call = newInboundCall()
    guard answer(call) else { return }
    talk(&call)
    hangUp(&call)
  }

  mutating func writeOutboundCall() {
    var call = newOutboundCall()
    begin(call, .dialing, after: 5...30)
    selectCase(of: call, after: 1...2)
    if chance(20) {
      publish(.idle, of: call, after: 15...25)
      setCallResult("no answer", of: &call)
    } else {
      publish(.talking, of: call, ["recordingState": "RECORDING"], after: 4...12)
      talk(&call)
      hangUp(&call)
    }
  }

  mutating func writePreviewCall() {
    var call = newOutboundCall()
    call.userData = ["campaign": .string(pick(["Renewal", "Welcome call", "Win-back"])), "attempt": 1]
    begin(call, .preview, after: 5...30)
    selectCase(of: call, after: 1...2)
    publish(.ready, of: call, after: 5...15)
    if chance(25) { return publish(chance(50) ? .rejected : .canceled, of: call, after: 3...10) }
    publish(.dialing, of: call, after: 3...10)
    publish(.talking, of: call, ["recordingState": "RECORDING"], after: 4...12)
    talk(&call)
    hangUp(&call)
  }

  /// The agent asks an expert while the customer is on hold; sometimes the expert takes over.
  mutating func writeConsultationCall() {
    var call = newInboundCall()
    guard answer(call) else { return }
    publish(.held, of: call, ["recordingState": "PAUSED"], after: 10...20)
    let expert = pick(["Ines Duarte (billing)", "Piotr Zając (second level)", "Hannah Vogt (legal)"])
    let consultation = newConsultation(of: call, with: expert)
    begin(consultation, .dialing, after: 1...3)
    publish(.talking, of: consultation, after: 3...8)
    publish(.idle, of: consultation, after: 10...30)
    publish(.completed, of: consultation, after: 1...2)
    if chance(60) {
      publish(.talking, of: call, ["recordingState": "RECORDING"], after: 1...2)
      hangUp(&call)
    } else {
      publish(.idle, of: call, ["recordingState": "STOPPED", "parties": [["name": .string(expert)]]], after: 1...2)
      setCallResult("transferred", of: &call)
    }
  }
}

// MARK: - Scenes

extension ScriptWriter {
  /// - Returns: false if nobody answers; then the call is over.
  private mutating func answer(_ call: ScriptedInteraction) -> Bool {
    begin(call, .ringing, after: 5...30)
    if chance(12) {
      publish(.idle, of: call, after: 10...20)
      publish(.completed, of: call, after: 1...3)
      return false
    }
    selectCase(of: call, after: 1...3)
    publish(.talking, of: call, ["recordingState": "RECORDING"], after: 2...6)
    return true
  }

  private mutating func talk(_ call: inout ScriptedInteraction) {
    if chance(70) {
      let reason = pick(["invoice", "delivery", "password", "new contract", "cancellation"])
      setUserData(["reason": .string(reason), "verified": .boolean(chance(80))], of: &call, after: 5...20)
    }
    if chance(35) {
      publish(.held, of: call, ["recordingState": "PAUSED"], after: 5...20)
      publish(.talking, of: call, ["recordingState": "RECORDING"], after: 5...30)
    }
    if chance(40) { setDisposition(of: &call) }
  }

  private mutating func hangUp(_ call: inout ScriptedInteraction) {
    publish(.idle, of: call, ["recordingState": "STOPPED"], after: 10...60)
    wrapUp(&call)
  }

  /// Ends a call whose disposition follows from its course.
  private mutating func setCallResult(_ result: String, of call: inout ScriptedInteraction) {
    call.userData[Self.dispositionKey] = .string(result)
    publish(.idle, of: call, ["userData": .object(call.userData)], after: 1...3)
    add(.markdone, to: call, after: 2...6)
  }
}

// MARK: - Calls

extension ScriptWriter {
  private mutating func newInboundCall() -> ScriptedInteraction {
    var call = newInteraction("call", media: "voice")
    call.opening.merge([
      "callUuid": .string(uuid(length: 32)), "direction": "IN", "callType": "INBOUND",
      "ani": .string(call.customer.phoneNumber), "dnis": .string(pick(["+18005550100", "+18005550142"])),
      "recordingState": "STOPPED",
    ])
    call.userData = [
      "customerId": .string(call.customer.id), "segment": .string(call.customer.segment),
      "language": .string(call.customer.language),
      "ivr": ["choices": [.string(pick(["1", "2", "3"])), .string(pick(["1", "9"]))], "seconds": ivrSeconds()],
    ]
    return call
  }

  /// An interaction without user data: the first key attaches it.
  private mutating func newOutboundCall() -> ScriptedInteraction {
    var call = newInteraction("call", media: "voice")
    call.opening.merge([
      "callUuid": .string(uuid(length: 32)), "direction": "OUT", "callType": "OUTBOUND", "ani": "+18005550100",
      "dnis": .string(call.customer.phoneNumber), "recordingState": "STOPPED",
    ])
    return call
  }

  private mutating func newConsultation(of call: ScriptedInteraction, with expert: String) -> ScriptedInteraction {
    var consultation = newInteraction("consult", media: "voice", childOf: call)
    consultation.opening.merge([
      "isConsultation": true, "callUuid": .string(uuid(length: 32)), "direction": "OUT", "callType": "CONSULT",
      "ani": "5001", "dnis": .string("52\(number(in: 10...99))"), "parties": [["name": .string(expert)]],
    ])
    consultation.userData = call.userData
    return consultation
  }

  private mutating func ivrSeconds() -> JSONValue {
    .number(JSONNumber(number(in: 8...95)))
  }
}
