import CasebusProtocol

extension Session {
  /// One message of this session is done with; now its answer takes effect.
  /// - Parameter epoch: names the numbering of its offsets.
  func received(_ outcome: Outcome, epoch: String = "") {
    if case .subscribe = outcome.answer, replay != nil {
      // It takes effect when the replay is over, and counts as unanswered until then.
      replay?.waiting.append(outcome)
    } else {
      intake.messageAnswered(bytes: outcome.caller?.messageBytes ?? 0)
      takeEffect(outcome, epoch)
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
        loop.outcomeSent(charge, to: key)
      } else {
        loop.loops[index].execute { $0.outcomeSent(charge, to: key) }
      }
    }
  }

  private func takeEffect(_ outcome: Outcome, _ epoch: String) {
    switch outcome.answer {
    case .silent: break
    case .done(let offset):
      guard let caller = outcome.caller else { return }
      send(.response(to: caller, at: caller.wantsPositions ? StreamPosition(offset: offset, epoch: epoch) : nil))
    case .frame(let frame): send(frame)
    case .subscribe(let options, let start): subscribe(options, start, for: outcome.caller)
    case .consumer(let task, let position):
      if let caller = outcome.caller { carryOut(task, at: position, for: caller) }
    case .unsubscribe(let id, let position): unsubscribe(id, at: position, for: outcome.caller)
    case .endOfReplay(let id, let end): replay(of: id)?.endReceived(end)
    }
  }

  private func subscribe(_ options: SubscribeOptions, _ start: SubscriptionStart, for caller: Caller?) {
    // A session that the broker has closed leaves its workspace, and its consumer, when its connection ends.
    guard let caller, isOpen else { return }
    if let name = options.durable { return enter(name, options, start, for: caller) }
    do throws(Failure) {
      try checkIsNotDurable()
      try checkIsFirst(options)
      let id = try subscriptions.add(options.names, session: self.id, limits: loop.configuration)
      var result = SubscribeResult(id, recovered: start.replay.isRecovered)
      result.position = caller.wantsPositions ? start.position : nil
      if case .after(let offset) = start.replay, let position = start.position {
        result.recovered = makeReplay(of: options, id, after: offset, through: position)
      }
      if replay == nil { loop.shard.update(self, wanted: subscriptions.wanted) }
      send(TextFrame { ServerMessage.writeSubscribed(to: caller.referenceID, result, into: &$0) })
      replay(of: id)?.begin()
    } catch {
      if case .after = start.replay, case .workspace(let workspace) = scope {
        loop.send(.replayGivenUp(key), to: workspace)
      }
      send(.failure(to: caller, error, at: start.position))
    }
  }

  /// Events that another subscription got already would come again.
  private func checkIsFirst(_ options: SubscribeOptions) throws(Failure) {
    guard options.since != nil, subscriptions.count > 0 else { return }
    throw Failure(
      .invalidMessage,
      "since can only be given with the first subscription of a session, this one has \(subscriptions.count)")
  }

  private func unsubscribe(_ id: SubscriptionID, at position: StreamPosition?, for caller: Caller?) {
    guard let caller else { return }
    do throws(Failure) {
      try subscriptions.remove(id)
      if replay == nil { loop.shard.update(self, wanted: subscriptions.wanted) }
      replay(of: id)?.cancel()
      leaveConsumer(.unsubscribed)
      send(.response(to: caller, at: position))
    } catch {
      send(.failure(to: caller, error, at: position))
    }
  }

  /// Answers a monitor's message that names no workspace.
  static func monitorOutcome(of content: Result<ClientMessage.Content, Failure>, caller: Caller) -> Outcome {
    do throws(Failure) {
      switch try content.get() {
      case .subscribe(let options): return try subscribeOutcome(options, caller: caller)
      case .unsubscribe(let id): return Outcome(caller: caller, answer: .unsubscribe(id, nil))
      case .request(let request): return monitorOutcome(of: request, caller: caller)
      case .publish, .acknowledge: preconditionFailure("it needs a workspace and was not refused")
      }
    } catch {
      return Outcome(caller: caller, answer: .frame(.failure(to: caller, error, at: nil)))
    }
  }

  private static func subscribeOutcome(
    _ options: SubscribeOptions, caller: Caller
  ) throws(Failure) -> Outcome {
    if let name = options.durable, options.since == nil || options.since == .beginning {
      return Outcome(caller: caller, answer: .consumer(.subscribe(options, name), nil))
    }
    guard options.since == nil else {
      throw Failure(
        .workspaceRequired,
        "since is the place in one workspace, this connection is for all: connect with ?workspace=<id>")
    }
    return Outcome(caller: caller, answer: .subscribe(options, SubscriptionStart()))
  }
}
