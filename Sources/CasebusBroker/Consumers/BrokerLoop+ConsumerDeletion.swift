import CasebusJournal
import CasebusProtocol
import Logging
import NIOCore

/// Deleting durable consumers (Protocol §10.13). The journal forgets first, then everybody else.
extension BrokerLoop {
  func delete(_ name: ConsumerName, for call: ConsumerCall) {
    let key = call.key(name)
    let port = port
    switch consumers.beginDeletion(of: key, whenSettled: { port.execute { $0.delete(name, for: call) } }) {
    case .wait: break
    case .absent: fail(call, .unknownConsumer(name))
    case .delete:
      journal.append(JournalBatch(consumerChanges: [.delete(key)])) { result in
        port.execute { $0.deleted(key, result, for: call) }
      }
    }
  }

  private func deleted(
    _ key: JournalConsumer.Key, _ result: Result<JournalCommit, JournalError>, for call: ConsumerCall
  ) {
    if case .failure(let error) = result {
      consumers.settle(key)
      return fail(call, Failure(notCommitted: error))
    }
    let sessions = consumers.remove(key)
    log("a durable consumer was deleted", key)
    answer(call.caller, .frame(.response(to: call.caller, at: position(of: call))))
    onAllLoops { loop in
      loop.consumerRooms[key] = nil
      loop.forEachHost(of: key) { $0.forget(key) }
    }
    for session in sessions {
      close(session, .consumerDeleted, reason: "the durable consumer \(key.name) was deleted")
    }
  }
}

extension BrokerLoop {
  func log(_ message: Logger.Message, _ key: JournalConsumer.Key) {
    logger.info(message, metadata: ["consumer": "\(key.name)", "workspace": "\(key.workspace?.text ?? "*")"])
  }
}
