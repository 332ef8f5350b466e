import CasebusJournal
import CasebusProtocol
import Logging
import NIOCore

/// The way back of parked events (Protocol §10.14). The journal notes them first, so that a crash loses none.
extension BrokerLoop {
  func redeliver(_ choice: ParkedChoice, of name: ConsumerName, for call: ConsumerCall) {
    let key = call.key(name)
    guard consumers.find(key) != nil else { return fail(call, .unknownConsumer(name)) }
    do throws(Failure) {
      let choice = try choice.checked(in: call.workspace)
      let port = port
      journal.backlog(of: key) { result in
        port.execute { loop in
          switch result {
          case .failure(let error): loop.fail(call, .unreadable(error))
          case .success(let backlogs): loop.redeliver(loop.chosen(choice, of: backlogs), of: key, for: call)
          }
        }
      }
    } catch {
      fail(call, error)
    }
  }

  /// The oldest of each workspace first; bounded, so that a request has an end.
  private func chosen(_ choice: ParkedChoice, of backlogs: [JournalBacklog]) -> [WorkspaceID: [JournalOffset]] {
    var rest = configuration.redeliveredEventsMax
    var chosen: [WorkspaceID: [JournalOffset]] = [:]
    for backlog in backlogs where choice.workspace ?? backlog.workspace == backlog.workspace {
      let parked = backlog.parked.filter { !$0.comesAgain && choice.offset ?? $0.offset == $0.offset }
      let offsets = parked.prefix(rest).map(\.offset)
      rest -= offsets.count
      if !offsets.isEmpty { chosen[backlog.workspace] = offsets }
    }
    return chosen
  }

  private func redeliver(
    _ offsets: [WorkspaceID: [JournalOffset]], of key: JournalConsumer.Key, for call: ConsumerCall
  ) {
    guard !offsets.isEmpty else { return answer(call, count: 0) }
    let port = port
    journal.append(JournalBatch(consumerChanges: [.redeliver(key, offsets)])) { result in
      port.execute { loop in
        switch result {
        case .success: loop.noted(offsets, of: key, for: call)
        case .failure(let error):
          loop.fail(call, Failure(.journalUnavailable, "the journal could not commit, nothing was changed: \(error)"))
        }
      }
    }
  }

  /// Workspaces in memory are told; others learn it when they come, which they do at once if somebody is there for it.
  private func noted(
    _ offsets: [WorkspaceID: [JournalOffset]], of key: JournalConsumer.Key, for call: ConsumerCall
  ) {
    answer(call, count: offsets.values.reduce(0) { $0 + $1.count })
    log("parked events are given again", key)
    let isAwaited = consumers.hasSessions(key)
    for (workspace, offsets) in offsets {
      onLoop(of: workspace) { loop in
        guard let host = loop.hosts[workspace] else {
          loop.consumers.redeliver(offsets, of: key, in: workspace)
          if isAwaited { loop.wake(workspace) }
          return
        }
        host.whenLoaded { $0.redeliver(offsets, to: key) }
      }
    }
  }

  private func answer(_ call: ConsumerCall, count: Int) {
    let frame = TextFrame.response(to: call.caller, at: position(of: call)) { $0.writeJSON(.number(JSONNumber(count))) }
    answer(call.caller, .frame(frame))
  }
}

extension ParkedChoice {
  /// The choice on a connection for one workspace, or for all of them.
  fileprivate func checked(in own: WorkspaceID?) throws(Failure) -> ParkedChoice {
    guard let own else {
      guard offset == nil || workspace != nil else {
        throw Failure(
          .invalidParameters,
          "consumer.redeliver: which has the offset \(offset ?? 0) but no workspaceId, expected that of the event")
      }
      return self
    }
    guard workspace == nil || workspace == own else {
      throw Failure(
        .invalidParameters,
        "consumer.redeliver: which.workspaceId is \"\(workspace?.text ?? "")\", expected none or \"\(own)\" on this connection"
      )
    }
    return ParkedChoice(workspace: own, offset: offset)
  }
}
