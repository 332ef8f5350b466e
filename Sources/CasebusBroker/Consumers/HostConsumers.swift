import CasebusJournal
import CasebusWorkspace
import NIOCore

/// The durable consumers of one workspace, as its host has them.
struct HostConsumers {
  var queues: [JournalConsumer.Key: ConsumerQueue] = [:]
  /// The one timer for what is to be given again.
  var timer: (at: Timestamp, timer: Scheduled<Void>)?
  /// What the journal is still to be told.
  private var untold: [JournalConsumer.Key: JournalPosition] = [:]

  /// Whether nothing is to be done for any of them, and nothing would be forgotten.
  /// - Parameter last: the newest record, which they may not know yet.
  func areIdle(upTo last: JournalOffset) -> Bool { queues.values.allSatisfy { $0.isIdle(upTo: last) } }

  /// A consumer moved on; the journal is told with whatever it is told next.
  mutating func moved(_ key: JournalConsumer.Key, to offset: JournalOffset, parked: [ParkedRecord]) {
    let earlier = untold[key]?.parked ?? []
    untold[key] = JournalPosition(consumer: key, offset: offset, parked: earlier + parked)
  }

  mutating func takeUntold() -> [JournalPosition] {
    guard !untold.isEmpty else { return [] }
    defer { untold = [:] }
    return Array(untold.values)
  }

  /// The journal did not take these.
  mutating func putBack(_ positions: [JournalPosition]) {
    for position in positions where queues[position.consumer] != nil {
      let offset = untold[position.consumer]?.offset ?? 0
      moved(position.consumer, to: max(offset, position.offset), parked: position.parked)
    }
  }

  mutating func forget(_ key: JournalConsumer.Key) {
    queues[key] = nil
    untold[key] = nil
  }
}
