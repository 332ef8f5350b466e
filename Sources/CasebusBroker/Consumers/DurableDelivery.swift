import CasebusJournal
import CasebusProtocol
import CasebusWorkspace

/// An event on its way to a session of a durable consumer.
struct DurableDelivery: Sendable {
  var session: SessionKey
  var consumer: JournalConsumer.Key
  var workspace: WorkspaceID
  var epoch: String
  var record: JournalRecord
  /// 1 for the first time.
  var number: Int
  var time: Timestamp

  /// Its frame; a monitor is told the workspace.
  func frame(forMonitor: Bool) -> TextFrame? {
    guard let name = EventName(record.event) else { return nil }
    let labels = EventLabels(
      workspaceID: forMonitor ? workspace : nil, position: StreamPosition(offset: record.offset, epoch: epoch),
      delivery: number > 1 ? number : nil)
    return TextFrame(event: name, record.data, labels)
  }
}

/// What the workspaces of a loop have for sessions of durable consumers: one call per loop and tick.
final class DeliveryOutbox {
  private var deliveries: [[DurableDelivery]]

  init(loopCount: Int) {
    deliveries = Array(repeating: [], count: loopCount)
  }

  func add(_ delivery: DurableDelivery) {
    deliveries[delivery.session.loop].append(delivery)
  }

  /// What is there for each loop, which then is gone.
  func take() -> [(loop: Int, deliveries: [DurableDelivery])] {
    deliveries.indices.compactMap { loop in
      guard !deliveries[loop].isEmpty else { return nil }
      defer { deliveries[loop] = [] }
      return (loop, deliveries[loop])
    }
  }
}

@available(*, unavailable)
extension DeliveryOutbox: Sendable {}
