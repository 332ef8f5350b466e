import CasebusProtocol

extension Session {
  /// One message of this session is done with; now its answer takes effect.
  func received(_ outcome: Outcome) {
    if case .subscribe = outcome.answer, replay != nil {
      // It takes effect when the replay is over, and counts as unanswered until then.
      replay?.waiting.append(outcome)
    } else {
      intake.messageAnswered(bytes: outcome.asker?.messageBytes ?? 0)
      takeEffect(outcome)
    }
    if outcome.charge > 0 { giveBack(outcome.charge, to: outcome.chargingLoop) }
    acceptHeld()
    closeIfDrained()
    readOn()
  }

  /// More may be decided for the session as soon as its connection has room for that.
  private func giveBack(_ charge: Int, to index: Int) {
    let (key, loop) = (key, loop)
    sink.whenWritable {
      if index == loop.port.index {
        loop.giveBack(charge, to: key)
      } else {
        loop.loops[index].execute { $0.giveBack(charge, to: key) }
      }
    }
  }

  private func takeEffect(_ outcome: Outcome) {
    switch outcome.answer {
    case .silent: break
    case .frame(let frame): send(frame)
    case .subscribe(let options, let start): subscribe(options, start, for: outcome.asker)
    case .consumer(let task, let position):
      if let asker = outcome.asker { carryOut(task, at: position, for: asker) }
    case .unsubscribe(let id, let position): unsubscribe(id, at: position, for: outcome.asker)
    case .endOfReplay(let id, let end): replayEnds(id, with: end)
    }
  }

  private func subscribe(_ options: SubscribeOptions, _ start: SubscriptionStart, for asker: Outcome.Asker?) {
    guard let asker else { return }
    if let name = options.durable { return enter(name, options, start, for: asker) }
    do throws(Failure) {
      try checkIsNotDurable()
      try checkIsFirst(options)
      let id = try subscriptions.add(options.names, session: self.id, limits: loop.configuration)
      var result = SubscribeResult(id, recovered: start.isRecovered)
      result.position = asker.wantsPositions ? start.position : nil
      if let offset = start.replayAfter, let position = start.position {
        result.recovered = beginReplay(of: options, id, after: offset, through: position)
      }
      if replay == nil { loop.shard.update(self, wanted: subscriptions.wanted) }
      send(TextFrame { ServerMessage.writeSubscribed(to: asker.referenceID, result, into: &$0) })
      continueReplay()
    } catch {
      if start.replayAfter != nil, case .workspace(let workspace) = scope {
        loop.cancelReplay(of: workspace, for: key)
      }
      send(.failure(to: asker, error, at: start.position))
    }
  }

  /// Events that another subscription got already would come again.
  private func checkIsFirst(_ options: SubscribeOptions) throws(Failure) {
    guard options.since != nil, subscriptions.count > 0 else { return }
    throw Failure(
      .invalidMessage,
      "since can only be given with the first subscription of a session, this one has \(subscriptions.count)")
  }

  private func unsubscribe(_ id: SubscriptionID, at position: StreamPosition?, for asker: Outcome.Asker?) {
    guard let asker else { return }
    do throws(Failure) {
      try subscriptions.remove(id)
      if replay == nil { loop.shard.update(self, wanted: subscriptions.wanted) }
      cancelReplay(of: id)
      leaveConsumer(.unsubscribed)
      send(.response(to: asker, at: position))
    } catch {
      send(.failure(to: asker, error, at: position))
    }
  }

  /// Answers a monitor's message that names no workspace.
  static func monitorOutcome(of content: Result<ClientMessage.Content, Failure>, asker: Outcome.Asker) -> Outcome {
    do throws(Failure) {
      switch try content.get() {
      case .subscribe(let options): return try subscribeOutcome(options, asker: asker)
      case .unsubscribe(let id): return Outcome(asker: asker, answer: .unsubscribe(id, nil))
      case .request(let request): return monitorOutcome(of: request, asker: asker)
      case .publish, .acknowledge: preconditionFailure("it needs a workspace and was not refused")
      }
    } catch {
      return Outcome(asker: asker, answer: .frame(.failure(to: asker, error, at: nil)))
    }
  }

  private static func subscribeOutcome(
    _ options: SubscribeOptions, asker: Outcome.Asker
  ) throws(Failure) -> Outcome {
    if let name = options.durable, options.since == nil || options.since == .beginning {
      return Outcome(asker: asker, answer: .consumer(.subscribe(options, name), nil))
    }
    guard options.since == nil else {
      throw Failure(
        .workspaceRequired,
        "since is the place in one workspace, this connection is for all: connect with ?workspace=<id>")
    }
    return Outcome(asker: asker, answer: .subscribe(options, SubscriptionStart()))
  }
}
