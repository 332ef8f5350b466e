import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import DequeModule
import NIOCore

/// A session's part in durable consumers.
struct SessionDurability {
  /// The consumer that the session is part of.
  var consumer: JournalConsumer.Key?
  /// What the client said while something about consumers was not answered.
  var held: Deque<ReceivedMessage> = []
  /// Events that wait until the connection has room for them.
  var undelivered: Deque<DurableDelivery> = []
  var isWaitingForRoom = false
  /// What was sent since the connection was last asked whether it has room.
  var sentBytes = 0
  /// What it was sent and has not acknowledged; nil while it is part of no consumer.
  var workload: SessionWorkload?

  static var pageBytesMax: Int { 131_072 }
}

/// What a client said, before it takes its place in the order.
struct ReceivedMessage {
  var content: Result<ClientMessage.Content, Failure>
  var referenceID: ReferenceID?
  var messageID: Identifier?
  /// The workspace that it names.
  var workspaceID: WorkspaceID?
  /// How long it is.
  var bytes = 0
}

// MARK: - Asking, one thing at a time

extension Session {
  /// Everything before this message was answered: it is carried out, and everything after it waits for that.
  func carryOut(_ task: ConsumerTask, at position: StreamPosition?, for caller: Caller) {
    if case .subscribe = task {
      do throws(Failure) {
        try subscriptions.checkOnly()
      } catch {
        return send(.failure(to: caller, error, at: position))
      }
    }
    intake.messageTaken()
    loop.carryOut(task, for: ConsumerCall(caller: caller, workspace: caller.workspaceID ?? workspace))
  }

  /// Takes the messages that were held, as soon as nothing is asked any more.
  func acceptHeld() {
    guard machine.messageAnswered(areOnlyHeldUnanswered: unsettled == durability.held.count) else { return }
    while machine.mayRelease, let message = durability.held.popFirst() {
      intake.messageAnswered()
      accept(message)
    }
    machine.heldWereReleased()
  }

  private var workspace: WorkspaceID? {
    switch scope {
    case .workspace(let workspace): workspace
    case .all: nil
    }
  }
}

// MARK: - Being part of a consumer

extension Session {
  /// The session is part of a consumer from now on; its first events follow the answer.
  func enter(_ name: ConsumerName, _ options: SubscribeOptions, _ start: SubscriptionStart, for caller: Caller) {
    do throws(Failure) {
      let id = try subscriptions.add(options.names, session: self.id, limits: loop.configuration)
      let key = JournalConsumer.Key(name: name.text, workspace: workspace)
      durability.consumer = key
      durability.workload = SessionWorkload(maxUnacknowledged: loop.configuration.maxUnacknowledged)
      let result = SubscribeResult(id, durable: name, position: start.position)
      send(TextFrame { ServerMessage.writeSubscribed(to: caller.referenceID, result, into: &$0) })
      loop.enter(key, self)
    } catch {
      send(.failure(to: caller, error, at: start.position))
    }
  }

  /// Why a session is no longer part of its consumer (Protocol §9.5).
  enum Leaving {
    /// In good order: it worked on nothing.
    case unsubscribed
    /// However its connection ended: a library closes it in good order, too, when the bot's code fails.
    case ended
  }

  func leaveConsumer(_ leaving: Leaving) {
    guard let consumer = durability.consumer else { return }
    let work = leaving == .ended ? durability.workload?.work : nil
    durability.consumer = nil
    durability.workload = nil
    durability.undelivered.removeAll()
    loop.leave(consumer, key, leaving, at: work)
  }

  /// The session is done with something, as far as it is concerned.
  func noteAcknowledgement(_ content: Result<ClientMessage.Content, Failure>) {
    guard durability.workload != nil, case .success(.acknowledge(let named, let offset)) = content else { return }
    guard let workspace = workspace ?? named else { return }
    durability.workload?.acknowledged(upTo: offset, in: workspace)
  }

  /// - Throws: ``Failure`` with `invalid_message` if it is.
  func checkIsNotDurable() throws(Failure) {
    guard let consumer = durability.consumer else { return }
    throw Failure(
      .invalidMessage,
      "the session is part of the durable consumer \"\(consumer.name)\" and can have no other subscription")
  }

  /// What becomes of an acknowledgement on the connection of a monitor.
  func acknowledge(_ workspace: WorkspaceID?, upTo offset: UInt64, from caller: Caller) {
    guard durability.consumer != nil else {
      return refuse(caller, "this session is not part of a durable consumer, there is nothing to acknowledge")
    }
    guard let workspace else {
      return refuse(caller, "data.workspaceId is missing, expected the workspace of the event")
    }
    namesWorkspaces = true
    loop.send(.saidByMonitor(.success(.acknowledge(nil, offset: offset)), caller), to: workspace)
  }

  private func refuse(_ caller: Caller, _ reason: String) {
    received(Outcome(caller: caller, answer: .frame(.failure(to: caller, Failure(.invalidMessage, reason), at: nil))))
  }
}

// MARK: - Events

extension Session {
  /// The session is given an event, as soon as its connection has room.
  func deliver(_ delivery: DurableDelivery) {
    guard durability.consumer == delivery.consumer, isOpen else { return }
    if let oldest = durability.undelivered.first, isOverdue(oldest) {
      return close(.slowConsumer, reason: "events waited longer than ackTimeoutSeconds for the connection to have room")
    }
    durability.undelivered.append(delivery)
    sendUndelivered()
  }

  private func isOverdue(_ delivery: DurableDelivery) -> Bool {
    loop.now.milliseconds(since: delivery.time) >= loop.configuration.consumerLimits.ackTimeoutMilliseconds
  }

  private func sendUndelivered() {
    while isOpen, !durability.isWaitingForRoom, let delivery = durability.undelivered.popFirst() {
      guard let frame = delivery.frame(forMonitor: scope == .all) else { continue }
      durability.workload?.sent(delivery.record.offset, of: delivery.workspace)
      send(frame)
      durability.sentBytes += frame.messageBytes
      if durability.sentBytes >= SessionDurability.pageBytesMax { waitForRoom() }
    }
  }

  private func waitForRoom() {
    durability.isWaitingForRoom = true
    durability.sentBytes = 0
    sink.whenWritable { [weak self] in
      self?.durability.isWaitingForRoom = false
      self?.sendUndelivered()
    }
  }
}
