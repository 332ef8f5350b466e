import CasebusJournal
import CasebusProtocol
import DequeModule
import NIOCore

/// What is decided on one loop comes to the sessions of another by its inbox, in order.
extension BrokerLoop {
  /// Passes what became durable to the loops whose sessions it concerns: one call per loop.
  func release(_ releases: consuming [(host: WorkspaceHost, release: WorkspaceRelease)]) {
    var messages = [[SessionMessage]](repeating: [], count: loops.count)
    let (forMonitors, withPositions) = (hasMonitors, environment.positioned.count > 0)
    for index in releases.indices {
      let host = releases[index].host
      releases[index].release.addFrames(forMonitors: forMonitors, withPositions: withPositions)
      let release = releases[index].release
      for loop in loops.indices {
        let isInterested = !release.events.isEmpty && (forMonitors || host.hasSessions(on: loop))
        if isInterested || release.hasCaller(on: loop) { messages[loop].append(.release(release)) }
      }
    }
    for (loop, messages) in zip(loops, messages) where !messages.isEmpty { send(messages, to: loop) }
    updateCongestion()
  }

  /// Puts messages into the inbox of a loop.
  func send(_ messages: [SessionMessage], to loop: LoopPort) {
    loop.inboxBytes.add(messages.reduce(0) { $0 + $1.bytes })
    if loop.index == port.index {
      receive(messages)
    } else {
      loop.execute { $0.receive(messages) }
    }
  }

  /// Ends a session of whatever loop, when it was given what it was to be given before.
  func close(_ session: SessionKey, _ code: CloseCode, reason: String) {
    send([.close(session, code, reason: reason)], to: loops[session.loop])
  }

  private func receive(_ messages: [SessionMessage]) {
    inbox.append(contentsOf: messages)
    scheduleTick()
  }

  /// Gives this loop's sessions what is theirs, as much as its groups may gather at a time: each answer before the events
  /// it caused.
  func deliverInbox() {
    guard !inbox.isEmpty else { return }
    perform(.delivering) {
      var bytes = 0
      while !shard.isFull, let message = inbox.popFirst() { bytes += deliver(message) }
      port.inboxBytes.remove(bytes)
    }
  }

  /// - Returns: the bytes of what was delivered. The rest is the first message of the inbox again.
  private func deliver(_ message: SessionMessage) -> Int {
    switch message {
    case .release(let release): return deliver(release)
    case .delivery(let delivery): sessions[delivery.session.number]?.deliver(delivery)
    case .close(let session, let code, let reason): sessions[session.number]?.close(code, reason: reason)
    }
    return message.bytes
  }

  private func deliver(_ release: consuming WorkspaceRelease) -> Int {
    var bytes = 0
    while !release.isDone, !shard.isFull {
      let (index, events) = release.next()
      let outcome = release.outcomes[index]
      bytes += outcome.weight
      var excluded: Session?
      if let caller = outcome.caller, caller.session.loop == port.index {
        let session = sessions[caller.session.number]
        session?.received(outcome, epoch: release.epoch)
        if outcome.excludesCaller { excluded = session }
      }
      for event in events { shard.deliver(release.events[event], of: release.workspace, excluding: excluded) }
    }
    if !release.isDone { inbox.prepend(.release(release)) }
    return bytes
  }
}
