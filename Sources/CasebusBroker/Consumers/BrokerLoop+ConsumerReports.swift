import CasebusJournal
import CasebusProtocol
import NIOCore

/// Telling of durable consumers (Protocol §10.11, §10.12): what the journal has, and of workspaces in memory what they
/// know better.
extension BrokerLoop {
  func listConsumers(for call: ConsumerCall) {
    report(on: consumers.list(in: call.workspace), for: call) { reports in .array(reports.map { .object($0.summary) }) }
  }

  func getConsumer(_ name: ConsumerName, for call: ConsumerCall) {
    guard let consumer = consumers.find(call.key(name)) else { return fail(call, .unknownConsumer(name)) }
    report(on: [consumer], for: call) { reports in .object(reports[0].full) }
  }

  private func report(
    on consumers: [(consumer: JournalConsumer, sessions: Int)], for call: ConsumerCall,
    write: @escaping @Sendable ([ConsumerReport]) -> JSONValue
  ) {
    let port = port
    journal.readBacklogs(of: consumers.map(\.consumer.key)) { result in
      port.execute { loop in
        switch result {
        case .failure(let error): loop.fail(call, .unreadable(error))
        case .success(let backlogs):
          let reports = consumers.map {
            ConsumerReport($0.consumer, sessions: $0.sessions, backlogs[$0.consumer.key] ?? [])
          }
          loop.complete(reports, for: call) { $0.finish(call, write($1)) }
        }
      }
    }
  }

  /// Adds what the workspaces in memory know: that of the caller, which this loop has, or all of them, each once.
  private func complete(
    _ reports: [ConsumerReport], for call: ConsumerCall,
    then: @escaping @Sendable (BrokerLoop, [ConsumerReport]) -> Void
  ) {
    let port = port
    if let workspace = call.workspace {
      var reports = reports
      hosts[workspace]?.complete(&reports)
      return then(self, reports)
    }
    gather(reports) { loop, reports in
      for host in loop.hosts.values { host.complete(&reports) }
    } then: { reports in
      port.execute { then($0, reports) }
    }
  }

  private func finish(_ call: ConsumerCall, _ data: JSONValue) {
    let frame = TextFrame.response(to: call.caller, at: position(of: call)) { $0.writeJSON(data) }
    let limit = configuration.answerBytesMax
    guard frame.messageBytes <= limit else {
      return fail(
        call,
        Failure(
          .limitExceeded, "the answer would have \(frame.messageBytes) bytes, allowed are \(limit) (answerBytesMax)"))
    }
    answer(call.caller, .frame(frame))
  }
}

extension WorkspaceHost {
  fileprivate func complete(_ reports: inout [ConsumerReport]) {
    for index in reports.indices {
      guard let queue = consumers.queues[reports[index].consumer.key] else { continue }
      reports[index].workspaceIsInMemory(id, queue)
    }
  }
}
