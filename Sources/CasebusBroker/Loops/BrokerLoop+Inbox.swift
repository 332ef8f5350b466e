import CasebusJournal
import CasebusProtocol
import DequeModule
import NIOCore

/// Something for a session of a loop.
enum LoopDelivery: Sendable {
  case outcome(Outcome)
  case durable(DurableDelivery)
  /// The session is ended, behind what it was given before.
  case close(SessionKey, CloseCode, reason: String)

  /// What it holds in memory, about.
  var bytes: Int {
    switch self {
    case .outcome(let outcome): outcome.weight
    case .durable(let delivery): delivery.record.data.readableBytes
    case .close: 0
    }
  }
}

/// Things for sessions of one loop, in order. They stay together on their way, so that none is copied.
struct LoopDeliveries: Sendable {
  private(set) var all: [LoopDelivery] = []
  private(set) var bytes = 0

  init(_ deliveries: [LoopDelivery] = []) {
    all = deliveries
    bytes = deliveries.reduce(0) { $0 + $1.bytes }
  }

  mutating func append(_ outcome: Outcome) {
    bytes += outcome.weight
    all.append(.outcome(outcome))
  }
}

/// What is decided on one loop comes to the sessions of another by its inbox, in order.
extension BrokerLoop {
  /// Passes committed outcomes to the loops whose sessions they concern: one call per loop.
  func release(_ entries: [CommitQueue.Entry]) {
    var deliveries = [LoopDeliveries](repeating: LoopDeliveries(), count: loops.count)
    let hasPositioned = environment.positioned.count > 0
    for entry in entries {
      entry.distribute(into: &deliveries, forMonitors: hasMonitors, withPositions: hasPositioned)
    }
    for (loop, deliveries) in zip(loops, deliveries) where !deliveries.all.isEmpty { send(deliveries, to: loop) }
    updateCongestion()
  }

  /// Puts something into the inbox of a loop.
  func send(_ deliveries: LoopDeliveries, to loop: LoopPort) {
    loop.inboxBytes.add(deliveries.bytes)
    if loop.index == port.index {
      receive(deliveries)
    } else {
      loop.execute { $0.receive(deliveries) }
    }
  }

  /// Ends a session of whatever loop, when it was given what it was to be given before.
  func close(_ session: SessionKey, _ code: CloseCode, reason: String) {
    send(LoopDeliveries([.close(session, code, reason: reason)]), to: loops[session.loop])
  }

  private func receive(_ deliveries: LoopDeliveries) {
    inbox.append(deliveries)
    scheduleTick()
  }

  /// Gives this loop's sessions what is theirs, as much as its groups may gather at a time: each answer before the events
  /// it caused.
  func deliverInbox() {
    guard !inbox.isEmpty else { return }
    perform(.delivering) {
      while !shard.isFull, let deliveries = inbox.popFirst() { deliver(deliveries) }
    }
  }

  private func deliver(_ deliveries: LoopDeliveries) {
    var count = 0
    for delivery in deliveries.all {
      guard !shard.isFull else { break }
      deliver(delivery)
      count += 1
    }
    let rest = LoopDeliveries(Array(deliveries.all.dropFirst(count)))
    port.inboxBytes.remove(deliveries.bytes - rest.bytes)
    if !rest.all.isEmpty { inbox.prepend(rest) }
  }

  private func deliver(_ delivery: LoopDelivery) {
    switch delivery {
    case .outcome(let outcome): deliver(outcome)
    case .durable(let delivery): sessions[delivery.session.number]?.deliver(delivery)
    case .close(let session, let code, let reason): sessions[session.number]?.close(code, reason: reason)
    }
  }

  private func deliver(_ outcome: Outcome) {
    if let asker = outcome.asker, asker.session.loop == port.index {
      sessions[asker.session.number]?.received(outcome)
    }
    for event in outcome.events { shard.deliver(event, excluding: excluded(by: event)) }
  }

  private func excluded(by event: EncodedEvent) -> Session? {
    guard let key = event.excluded, key.loop == port.index else { return nil }
    return sessions[key.number]
  }
}
