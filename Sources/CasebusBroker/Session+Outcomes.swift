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
    // Last, because messages that waited are then taken at once.
    if unanswered <= loop.configuration.commandsInFlightMax / 2 { setReading(true) }
  }

  private func subscribe(to names: [EventName], referenceID: ReferenceID?) {
    do throws(Failure) {
      let id = try subscriptions.add(names, session: self.id, limits: loop.configuration)
      loop.shard.update(self, wanted: subscriptions.wanted)
      send(TextFrame { ServerMessage.writeSubscribed(to: referenceID, SubscribeResult(id), into: &$0) })
    } catch {
      send(.failure(to: referenceID, error))
    }
  }

  private func unsubscribe(_ id: SubscriptionID, referenceID: ReferenceID?) {
    do throws(Failure) {
      try subscriptions.remove(id)
      loop.shard.update(self, wanted: subscriptions.wanted)
      send(.response(to: referenceID))
    } catch {
      send(.failure(to: referenceID, error))
    }
  }

  /// What a monitor may ask: it sees all workspaces but is in none.
  static func monitorOutcome(of content: Result<ClientMessage.Content, Failure>, asker: Outcome.Asker) -> Outcome {
    do throws(Failure) {
      switch try content.get() {
      case .subscribe(let options): return Outcome(asker: asker, answer: .subscribe(options.names))
      case .unsubscribe(let id): return Outcome(asker: asker, answer: .unsubscribe(id))
      case .request(let name, let parameters) where monitorRequests.contains(name):
        _ = try Request(name: name, parameters: parameters)
        return Outcome(asker: asker, answer: .allowedServices(monitorRequests, to: asker.referenceID))
      case .request(let name, _) where !Request.isKnown(name): throw .unknownRequest(name)
      case .request, .publish, .acknowledge:
        throw Failure(.workspaceRequired, "this connection is for all workspaces, connect with ?workspace=<id>")
      }
    } catch {
      return Outcome(asker: asker, answer: .frame(.failure(to: asker.referenceID, error)))
    }
  }

  private static let monitorRequests = ["system.getAllowedServices"]
}
