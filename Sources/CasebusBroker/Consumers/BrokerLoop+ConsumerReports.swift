import CasebusJournal
import CasebusProtocol
import NIOCore

/// Telling of durable consumers (Protocol §10.11, §10.12): what the journal has, and of workspaces in memory what they
/// know better.
extension BrokerLoop {
  func listConsumers(for call: ConsumerCall) {
    report(on: consumers.list(in: call.workspace)[...], [], for: call) { reports in
      .array(reports.map { .object($0.summary) })
    }
  }

  func getConsumer(_ name: ConsumerName, for call: ConsumerCall) {
    guard let consumer = consumers.list(in: call.workspace).first(where: { $0.consumer.key.name == name.text }) else {
      return fail(call, .unknownConsumer(name))
    }
    report(on: [consumer], [], for: call) { reports in .object(reports[0].full) }
  }

  private func report(
    on rest: ArraySlice<(consumer: JournalConsumer, sessions: Int)>, _ reports: [ConsumerReport],
    for call: ConsumerCall, write: @escaping @Sendable ([ConsumerReport]) -> JSONValue
  ) {
    guard let (consumer, sessions) = rest.first else { return finish(call, write(reports)) }
    let port = port
    journal.backlog(of: consumer.key) { result in
      port.execute { loop in
        switch result {
        case .failure(let error): loop.fail(call, .unreadable(error))
        case .success(let backlogs):
          let report = ConsumerReport(consumer, sessions: sessions, backlogs)
          loop.complete(report) { loop, report in
            loop.report(on: rest.dropFirst(), reports + [report], for: call, write: write)
          }
        }
      }
    }
  }

  /// Adds what the workspaces in memory know.
  private func complete(
    _ report: ConsumerReport, then: @escaping @Sendable (BrokerLoop, ConsumerReport) -> Void
  ) {
    let port = port
    let key = report.consumer.key
    gather(report) { loop, report in
      for host in loop.hosts.values {
        if let queue = host.consumers.queues[key] { report.workspaceIsInMemory(host.id, queue) }
      }
    } then: { report in
      port.execute { then($0, report) }
    }
  }

  private func finish(_ call: ConsumerCall, _ data: JSONValue) {
    let frame = TextFrame.response(to: call.asker, at: position(of: call)) { $0.writeJSON(data) }
    let limit = configuration.answerBytesMax
    guard frame.messageBytes <= limit else {
      return fail(
        call,
        Failure(
          .limitExceeded, "the answer would have \(frame.messageBytes) bytes, allowed are \(limit) (answerBytesMax)"))
    }
    answer(call.asker, .frame(frame))
  }
}
