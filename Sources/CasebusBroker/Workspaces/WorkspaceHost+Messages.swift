import CasebusProtocol
import CasebusWorkspace
import NIOCore

extension WorkspaceHost {
  /// A session told the host something.
  func receive(_ message: HostMessage) {
    switch message {
    case .said(let content, let caller): receive(content, from: caller)
    case .replayRead(let id, let offset, let caller): whenLoaded { $0.endReplay(of: id, after: offset, for: caller) }
    case .replayGivenUp(let session): whenLoaded { $0.cancelReplay(for: session) }
    case .consumerJoined(let key, let session): whenLoaded { $0.join(key, session) }
    case .consumerLeft(let key, let session, let leaving, let work): left(key, session, leaving, at: work)
    case .detach(let session): takeTurn(.left(session))
    case .attach, .saidByMonitor: preconditionFailure("the loop takes it")
    }
  }

  /// A client of this workspace said something.
  func receive(_ content: Result<ClientMessage.Content, Failure>, from caller: Caller) {
    // Mostly nothing waits anywhere: then a message need not be put into a form in which it could.
    if lifecycle.isReady, loop.decidesAtOnce { return answer(content, to: caller) }
    takeTurn(.said(content, caller))
  }

  /// Takes a message when the workspace is in memory. Where earlier ones of its session wait for room, it waits behind
  /// them instead.
  func takeTurn(_ message: DecisionWindow.Message) {
    if loop.window.isWaiting(message.session, in: id) { return decideOrWait(message) }
    whenLoaded { $0.decideOrWait(message) }
  }

  /// Decides a message now, or when there is room for what comes of it.
  private func decideOrWait(_ message: DecisionWindow.Message) {
    if loop.mayDecide(message, in: id) { decide(message) } else { waitingMessages += 1 }
  }

  /// Decides a message that waited.
  func decideWaiting(_ message: DecisionWindow.Message) {
    waitingMessages -= 1
    decide(message)
  }

  private func decide(_ message: DecisionWindow.Message) {
    whenLoaded { host in
      switch message {
      case .said(let content, let caller): host.answer(content, to: caller)
      case .leftConsumer(let key, let session, let work): host.leave(key, session, at: work)
      case .left(let session):
        host.loop.window.forget(session)
        host.detach(session)
      }
    }
  }

  func answer(_ content: Result<ClientMessage.Content, Failure>, to caller: Caller) {
    cause = .said(content, caller)
    defer {
      cause = nil
      if caller.isMonitor { loop.decided(caller) }
    }
    do throws(Failure) {
      let content = try content.get()
      try checkLoaded()
      switch content {
      case .subscribe(let options):
        if let name = options.durable { return finish(.subscribe(options, name), for: caller) }
        subscribe(options, from: caller)
      case .unsubscribe(let id): finish(Outcome(caller: caller, answer: .unsubscribe(id, position)))
      case .publish(let name, let data): try publish(name, data, from: caller)
      case .request(let request): try answer(request, to: caller)
      case .acknowledge(nil, let offset): try acknowledge(upTo: offset, from: caller)
      case .acknowledge:
        throw Failure(.invalidMessage, "data.workspaceId is present, expected on the connection of a monitor only")
      }
    } catch {
      finish(Outcome(caller: caller, answer: .frame(.failure(to: caller, error, at: position))))
    }
  }

  /// The session asks for it when it is its turn.
  func finish(_ task: ConsumerTask, for caller: Caller) {
    finish(Outcome(caller: caller, answer: .consumer(task, position)))
  }

  private func checkLoaded() throws(Failure) {
    guard let error = lifecycle.failure else { return }
    throw Failure(.journalUnavailable, "the journal could not be read, nothing was changed: \(error)")
  }

  private func publish(_ name: EventName, _ data: PublishedData, from caller: Caller) throws(Failure) {
    // Without a reference nobody waits for the answer (Protocol §5.2).
    let isAnswered = caller.referenceID != nil
    if case .messenger = name {
      let answer = isAnswered ? Outcome.Answer.done(at: currentOffset) : .silent
      broadcast(data, as: name, from: caller, answer: answer)
    } else {
      try execute(Command(publishing: name, data: data), from: caller, isAnswered: isAnswered)
    }
  }

  /// Messages to a channel are neither journaled nor numbered, but they keep their place in the order.
  func broadcast(_ message: PublishedData, as channel: EventName, from caller: Caller, answer: Outcome.Answer) {
    let outcome = Outcome(caller: caller, answer: answer, excludesCaller: true)
    loop.commit(outcome, of: self) { commit, outcome in
      outcome.append(EncodedEvent(channel) { $0.writeJSON(message) }, to: &commit)
    }
  }
}
