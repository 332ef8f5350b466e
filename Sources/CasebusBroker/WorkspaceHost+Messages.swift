import CasebusProtocol
import CasebusWorkspace
import NIOCore

extension WorkspaceHost {
  /// A client of this workspace said something.
  func receive(
    _ content: Result<ClientMessage.Content, Failure>, from asker: Outcome.Asker, blocker: Blocker
  ) {
    do throws(Failure) {
      switch try content.get() {
      case .subscribe(let options): finish(Outcome(asker: asker, answer: .subscribe(options.names)))
      case .unsubscribe(let id): finish(Outcome(asker: asker, answer: .unsubscribe(id)))
      case .acknowledge:
        throw Failure(
          .invalidMessage, "this session is not part of a durable consumer, there is nothing to acknowledge")
      case .publish(let name, let data): try publish(name, data, from: asker, blocker: blocker)
      case .request(let name, let parameters):
        try answer(Request(name: name, parameters: parameters), to: asker, blocker: blocker)
      }
    } catch {
      finish(Outcome(asker: asker, answer: .frame(.failure(to: asker.referenceID, error))))
    }
  }

  private func publish(
    _ name: EventName, _ data: JSONValue, from asker: Outcome.Asker, blocker: Blocker
  ) throws(Failure) {
    // Without a reference nobody waits for the answer (Protocol §5.2).
    let answer = asker.referenceID.map { Outcome.Answer.frame(.response(to: $0)) } ?? .silent
    if case .messenger = name {
      broadcast(data, as: name, from: asker, answer: answer)
    } else {
      try execute(Command(publishing: name, data: data), by: blocker, asker: asker, answer: answer)
    }
  }

  private func answer(_ request: Request, to asker: Outcome.Asker, blocker: Blocker) throws(Failure) {
    switch request {
    case .getByInteractionID(let id):
      try finish(asker) { buffer in current.interaction(id).map { buffer.writeJSON($0) } ?? buffer.writeJSON(.null) }
    case .getInteractions:
      try finish(asker) { $0.writeJSONArray(current.interactions) { $0.writeJSON($1) } }
    case .getAllowedServices:
      finish(Outcome(asker: asker, answer: .allowedServices(Request.names, to: asker.referenceID)))
    case .broadcastMessage(let channel, let message):
      broadcast(message, as: channel, from: asker, answer: .frame(.response(to: asker.referenceID)))
    case .listConsumers, .getConsumer, .deleteConsumer: throw .unknownRequest("consumer")
    case .deleteUserData(let id, let key):
      try execute(.deleteUserData(interactionID: id, key: key), by: blocker, asker: asker)
    case .setUserData(let id, let userData):
      try execute(.setUserData(interactionID: id, userData), by: blocker, asker: asker)
    case .selectCase(let caseID): try execute(.selectCase(caseID: caseID), by: blocker, asker: asker)
    case .markdone(let id): try execute(.markdone(interactionID: id), by: blocker, asker: asker)
    case .blockMarkdone(let id, let warning):
      try execute(.blockMarkdone(interactionID: id, warningMessage: warning), by: blocker, asker: asker)
    case .unblockMarkdone(let id): try execute(.unblockMarkdone(interactionID: id), by: blocker, asker: asker)
    }
  }

  /// Messages to a channel are neither journaled nor numbered, but they keep their place in the order.
  private func broadcast(_ message: JSONValue, as channel: EventName, from asker: Outcome.Asker, answer: Outcome.Answer)
  {
    var data = ByteBuffer()
    data.writeJSON(message)
    let event = EncodedEvent(
      channel, data: data, workspace: id, excluded: asker.session)
    finish(Outcome(asker: asker, answer: answer, events: [event]))
  }
}

extension Outcome.Answer {
  /// The answer to `system.getAllowedServices`.
  static func allowedServices(_ names: [String], to referenceID: ReferenceID?) -> Outcome.Answer {
    .frame(.response(to: referenceID) { $0.writeJSONArray(names) { $0.writeJSON($1) } })
  }
}
