import CasebusProtocol

extension Session {
  /// One message of this session is done with; now its answer takes effect.
  func received(_ outcome: Outcome) {
    unanswered -= 1
    let referenceID = outcome.asker?.referenceID
    switch outcome.answer {
    case .silent: break
    case .frame(let frame): send(frame)
    case .subscribe(let names): subscribe(to: names, referenceID: referenceID)
    case .unsubscribe(let id): unsubscribe(id, referenceID: referenceID)
    }
    closeIfDrained()
  }

  private func subscribe(to names: [EventName], referenceID: ReferenceID?) {
    do throws(Failure) {
      let id = try subscriptions.add(names, session: self.id, limits: loop.configuration)
      loop.shard.update(self, wanted: subscriptions.wanted)
      send(.textFrame { ServerMessage.writeSubscribed(to: referenceID, id, into: &$0) })
    } catch {
      send(.failureFrame(to: referenceID, error))
    }
  }

  private func unsubscribe(_ id: SubscriptionID, referenceID: ReferenceID?) {
    do throws(Failure) {
      try subscriptions.remove(id)
      loop.shard.update(self, wanted: subscriptions.wanted)
      send(.responseFrame(to: referenceID))
    } catch {
      send(.failureFrame(to: referenceID, error))
    }
  }

  /// What a monitor may ask: it sees all workspaces but is in none.
  static func monitorOutcome(of message: ClientMessage, session: SessionKey) -> Outcome {
    let asker = Outcome.Asker(session: session, referenceID: message.referenceID)
    switch message.content {
    case .subscribe(let names): return Outcome(asker: asker, answer: .subscribe(names))
    case .unsubscribe(let id): return Outcome(asker: asker, answer: .unsubscribe(id))
    case .request(let name, let parameters):
      do throws(Failure) {
        guard try Request(name: name, parameters: parameters) == .getAllowedServices else { break }
        return Outcome(asker: asker, answer: .allowedServices(to: message.referenceID))
      } catch {
        return Outcome(asker: asker, answer: .frame(.failureFrame(to: message.referenceID, error)))
      }
    case .publish: break
    }
    let failure = Failure(.workspaceRequired, "this connection is for all workspaces, connect with ?workspace=<id>")
    return Outcome(asker: asker, answer: .frame(.failureFrame(to: message.referenceID, failure)))
  }
}
