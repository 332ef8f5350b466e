import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import Logging
import NIOCore

/// Making durable consumers (Protocol §9.3). The journal knows of one before anybody else does.
extension BrokerLoop {
  /// Carries out a task, on the loop of its workspace or, for a monitor, on the session's own.
  func carryOut(_ task: ConsumerTask, for call: ConsumerCall) {
    guard let workspace = call.workspace else { return begin(task, for: call) }
    onLoop(of: workspace) { $0.begin(task, for: call) }
  }

  private func begin(_ task: ConsumerTask, for call: ConsumerCall) {
    let port = port
    consumers.whenLoaded { result in
      port.execute { loop in
        switch (result, task) {
        case (.failure(let error), _): loop.fail(call, .unreadable(error))
        case (_, .subscribe(let options, let name)): loop.subscribe(options, name, for: call)
        case (_, .delete(let name)): loop.delete(name, for: call)
        case (_, .list): loop.listConsumers(for: call)
        case (_, .get(let name)): loop.getConsumer(name, for: call)
        case (_, .redeliver(let name, let choice)): loop.redeliver(choice, of: name, for: call)
        }
      }
    }
  }

  func fail(_ call: ConsumerCall, _ failure: Failure) {
    answer(call.caller, .frame(.failure(to: call.caller, failure, at: position(of: call))))
  }

  /// Where the workspace stands with what is durable; nil for a monitor.
  func position(of call: ConsumerCall) -> StreamPosition? {
    call.workspace.flatMap { hosts[$0] }.map { StreamPosition(offset: $0.durableOffset, epoch: $0.epoch) }
  }
}

// MARK: - Making

extension BrokerLoop {
  private func subscribe(_ options: SubscribeOptions, _ name: ConsumerName, for call: ConsumerCall) {
    let port = port
    let names = options.names.map(\.description)
    let consumer = JournalConsumer(key: call.key(name), events: names, time: now.milliseconds)
    let entrance = consumers.enter(consumer, limit: configuration.consumersMax) {
      port.execute { $0.subscribe(options, name, for: call) }
    }
    switch entrance {
    case .wait: break
    case .present(let existing) where Set(existing.events) == Set(names): welcome(options, to: call)
    case .present(let existing): fail(call, .otherNames(existing))
    case .full: fail(call, .tooManyConsumers(configuration.consumersMax))
    case .make: make(consumer, options, for: call)
    }
  }

  /// The session learns that it is part of the consumer, and then enters it.
  private func welcome(_ options: SubscribeOptions, to call: ConsumerCall) {
    answer(call.caller, .subscribe(options, SubscriptionStart(position: position(of: call))))
  }

  private func make(_ consumer: JournalConsumer, _ options: SubscribeOptions, for call: ConsumerCall) {
    do throws(Failure) {
      let batch = JournalBatch(consumerChanges: [.make(consumer, try start(of: options.since, in: call.workspace))])
      let port = port
      journal.append(batch) { result in
        port.execute { $0.made(consumer, options, result, for: call) }
      }
    } catch {
      consumers.abandon(consumer.key)
      fail(call, error)
    }
  }

  private func start(of since: ResumePoint?, in workspace: WorkspaceID?) throws(Failure) -> JournalConsumer.Start {
    guard let workspace else { return since == nil ? .now : .beginning }
    guard let host = hosts[workspace], host.lifecycle.isReady else {
      throw Failure(.journalUnavailable, "the workspace could not be read, nothing was changed")
    }
    switch since {
    case nil: return .after(host.durableOffset)
    case .beginning: return .beginning
    case .after(let position):
      guard position.epoch.hasSameBytes(as: host.epoch), position.offset <= host.durableOffset else {
        throw .noPosition(position, host)
      }
      return .after(position.offset)
    }
  }

  private func made(
    _ consumer: JournalConsumer, _ options: SubscribeOptions, _ result: Result<JournalCommit, JournalError>,
    for call: ConsumerCall
  ) {
    let port = port
    if case .failure(let error) = result { return notMade(consumer, error, for: call) }
    journal.backlog(of: consumer.key) { result in
      port.execute { loop in
        switch result {
        case .success(let backlogs): loop.announce(consumer, backlogs.positions(of: consumer.key), options, for: call)
        case .failure(let error): loop.notMade(consumer, error, for: call)
        }
      }
    }
  }

  private func notMade(_ consumer: JournalConsumer, _ error: JournalError, for call: ConsumerCall) {
    consumers.abandon(consumer.key)
    fail(call, Failure(notCommitted: error))
  }

  /// Everything that is decided from here on is for the consumer, in whatever workspace: only then is it welcomed.
  private func announce(
    _ consumer: JournalConsumer, _ positions: [WorkspaceID: JournalOffset], _ options: SubscribeOptions,
    for call: ConsumerCall
  ) {
    consumers.announce(consumer.key, positions: positions)
    log("a durable consumer was made", consumer.key)
    let port = port
    let isFromBeginning = options.since == .beginning
    visitLoops { loop in
      loop.forEachHost(of: consumer.key) { host in
        guard host.lifecycle.isReady else { return }
        // One that had no events when the positions were read may have some now.
        host.start(consumer, after: positions[host.id] ?? (isFromBeginning ? 0 : host.durableOffset))
      }
    } then: {
      port.execute { loop in
        loop.consumers.settle(consumer.key)
        loop.welcome(options, to: call)
      }
    }
  }
}

// MARK: - Failures

extension Failure {
  fileprivate static func otherNames(_ consumer: JournalConsumer) -> Failure {
    Failure(
      .invalidParameters,
      "the durable consumer \"\(consumer.key.name)\" has the events \(consumer.events.joined(separator: ", ")), expected the same"
    )
  }

  fileprivate static func tooManyConsumers(_ limit: Int) -> Failure {
    Failure(.limitExceeded, "there are \(limit) durable consumers, the most there may be (consumersMax)")
  }

  fileprivate static func noPosition(_ position: StreamPosition, _ host: WorkspaceHost) -> Failure {
    Failure(
      .invalidParameters,
      "since is offset \(position.offset) of epoch \(position.epoch), expected up to \(host.durableOffset) of \(host.epoch)"
    )
  }

  static func unknownConsumer(_ name: ConsumerName) -> Failure {
    Failure(.consumerNotFound, "there is no durable consumer \"\(name)\"")
  }

  static func unreadable(_ error: JournalError) -> Failure {
    Failure(.journalUnavailable, "the journal could not be read: \(error)")
  }
}
