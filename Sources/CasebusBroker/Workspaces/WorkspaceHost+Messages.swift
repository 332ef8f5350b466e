import CasebusProtocol
import CasebusWorkspace
import NIOCore

extension WorkspaceHost {
  /// A session told the host something.
  func receive(_ message: HostMessage) {
    switch message {
    case .said(let content, let asker): receive(content, from: asker)
    case .replayRead(let id, let offset, let asker): whenLoaded { $0.endReplay(of: id, after: offset, for: asker) }
    case .replayGivenUp(let session): whenLoaded { $0.cancelReplay(for: session) }
    case .consumerJoined(let key, let session): whenLoaded { $0.join(key, session) }
    case .consumerLeft(let key, let session, let leaving, let work): left(key, session, leaving, at: work)
    case .detach(let session, let blocker): takeTurn(.left(session, blocker))
    case .attach, .saidByMonitor: preconditionFailure("the loop takes it")
    }
  }

  /// A client of this workspace said something.
  func receive(_ content: Result<ClientMessage.Content, Failure>, from asker: Outcome.Asker) {
    // Mostly nothing waits anywhere: then a message need not be put into a form in which it could.
    if lifecycle.isReady, loop.decidesAtOnce { return answer(content, to: asker) }
    takeTurn(.said(content, asker))
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
      case .said(let content, let asker): host.answer(content, to: asker)
      case .leftConsumer(let key, let session, let work): host.leave(key, session, at: work)
      case .left(let session, let blocker):
        host.loop.window.forget(session)
        host.detach(session, blocker: blocker)
      }
    }
  }

  func answer(_ content: Result<ClientMessage.Content, Failure>, to asker: Outcome.Asker) {
    cause = .said(content, asker)
    defer {
      cause = nil
      if asker.isMonitor { loop.decided(asker) }
    }
    do throws(Failure) {
      let content = try content.get()
      try checkLoaded()
      switch content {
      case .subscribe(let options):
        if let name = options.durable { return finish(.subscribe(options, name), for: asker) }
        subscribe(options, from: asker)
      case .unsubscribe(let id): finish(Outcome(asker: asker, answer: .unsubscribe(id, position)))
      case .publish(let name, let data): try publish(name, data, from: asker)
      case .request(let request): try answer(request, to: asker)
      case .acknowledge(nil, let offset): try acknowledge(upTo: offset, from: asker)
      case .acknowledge:
        throw Failure(.invalidMessage, "data.workspaceId is present, expected on the connection of a monitor only")
      }
    } catch {
      finish(Outcome(asker: asker, answer: .frame(.failure(to: asker, error, at: position))))
    }
  }

  /// The session asks for it when it is its turn.
  func finish(_ task: ConsumerTask, for asker: Outcome.Asker) {
    finish(Outcome(asker: asker, answer: .consumer(task, position)))
  }

  private func checkLoaded() throws(Failure) {
    guard let error = lifecycle.failure else { return }
    throw Failure(.journalUnavailable, "the journal could not be read, nothing was changed: \(error)")
  }

  private func publish(_ name: EventName, _ data: JSONValue, from asker: Outcome.Asker) throws(Failure) {
    // Without a reference nobody waits for the answer (Protocol §5.2).
    let isAnswered = asker.referenceID != nil
    if case .messenger = name {
      let answer = isAnswered ? Outcome.Answer.done(at: currentOffset) : .silent
      broadcast(data, as: name, from: asker, answer: answer)
    } else {
      try execute(Command(publishing: name, data: data), from: asker, isAnswered: isAnswered)
    }
  }

  /// Messages to a channel are neither journaled nor numbered, but they keep their place in the order.
  func broadcast(_ message: JSONValue, as channel: EventName, from asker: Outcome.Asker, answer: Outcome.Answer) {
    let outcome = Outcome(asker: asker, answer: answer, excludesAsker: true)
    loop.commit(outcome, of: self) { commit, outcome in
      outcome.append(EncodedEvent(channel) { $0.writeJSON(message) }, to: &commit)
    }
  }
}
