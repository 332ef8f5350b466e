import CasebusProtocol
import DequeModule

/// What workspaces sent to the sessions of one event loop, in order, until it is delivered.
final class Inbox {
  private let bytes: Tally
  private let sessions: SessionTable
  private let shard: FanoutShard
  /// The index of the loop.
  private let loop: Int
  private var messages: Deque<SessionMessage> = []

  init(of port: LoopPort, sessions: SessionTable, shard: FanoutShard) {
    bytes = port.inboxBytes
    loop = port.index
    self.sessions = sessions
    self.shard = shard
  }

  var isEmpty: Bool { messages.isEmpty }

  /// Whether something can be delivered now.
  var canDeliver: Bool { !messages.isEmpty && !shard.isFull }

  /// The sender has counted their bytes (``SessionRouter``).
  func append(_ messages: [SessionMessage]) {
    self.messages.append(contentsOf: messages)
  }

  /// Delivers the messages, as far as the fan-out groups have room. Each answer comes before the events that it caused.
  func deliver() {
    var delivered = 0
    while !shard.isFull, let message = messages.popFirst() { delivered += deliver(message) }
    bytes.remove(delivered)
  }

  /// - Returns: how many bytes were delivered. If the groups became full, the rest is the first message again.
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
      if let caller = outcome.caller, caller.session.loop == loop {
        let session = sessions[caller.session.number]
        session?.received(outcome, epoch: release.epoch)
        if outcome.excludesCaller { excluded = session }
      }
      for event in events { shard.deliver(release.events[event], of: release.workspace, excluding: excluded) }
    }
    if !release.isDone { messages.prepend(.release(release)) }
    return bytes
  }
}

@available(*, unavailable)
extension Inbox: Sendable {}
