import NIOCore
import Synchronization

/// What a broker has done since its start and is doing, added up over its loops at the moment when somebody asks.
package struct BrokerStatistics: Hashable, Sendable {
  /// Sessions that are open now, monitors included.
  package var sessions = 0
  package var monitors = 0
  /// Workspaces in memory.
  package var workspaces = 0
  /// Durable consumers, of one workspace or of all.
  package var consumers = 0
  /// Sessions that were closed as slow consumers since the start.
  package var slowConsumers = 0
  /// What was counted on the event loops since the start.
  package var counts = BrokerCounts()
  /// Bytes of answers and events that were decided and are not durable (`uncommittedBytesMax` limits each loop).
  package var uncommittedBytes = 0
  /// Bytes of answers and events that wait for their sessions (`undeliveredBytesMax` limits each loop).
  package var undeliveredBytes = 0

  package init() {}
}

/// What one event loop has counted since the start. Counting is an increment in memory that the loop owns.
package struct BrokerCounts: Hashable, Sendable {
  /// Messages that clients sent, good or bad.
  package var messages = 0
  /// Messages that were refused because they are no messages (`malformed_message`, `invalid_message` …).
  package var messagesRefused = 0
  /// Events that became durable here, and messages to channels: each counts once, however many sessions get it.
  package var events = 0
  /// Batches that were given to the journal and taken, perhaps not with all of their parts.
  package var commits = 0
  /// Batches that the journal did not take.
  package var commitsFailed = 0
  /// Parts of batches that the journal refused, conflicts excluded.
  package var partsRefused = 0
  /// Parts that were refused because another broker had appended to the workspace first.
  package var conflicts = 0
  /// Events that were given to sessions of durable consumers.
  package var deliveries = 0

  package init() {}

  static func += (sum: inout BrokerCounts, counts: BrokerCounts) {
    sum.messages += counts.messages
    sum.messagesRefused += counts.messagesRefused
    sum.events += counts.events
    sum.commits += counts.commits
    sum.commitsFailed += counts.commitsFailed
    sum.partsRefused += counts.partsRefused
    sum.conflicts += counts.conflicts
    sum.deliveries += counts.deliveries
  }
}

extension Broker {
  /// Asks one loop after the other what it has counted.
  package func statistics() async -> BrokerStatistics {
    await withCheckedContinuation { continuation in gatherStatistics { continuation.resume(returning: $0) } }
  }

  /// - Parameter completion: called once, on one of the broker's event loops.
  package func gatherStatistics(_ completion: @escaping @Sendable (BrokerStatistics) -> Void) {
    environment.loops.ports[0].execute { loop in
      loop.gather(BrokerStatistics(loop.environment)) { loop, statistics in
        statistics.counts += loop.counts
        statistics.uncommittedBytes += loop.commits.pendingBytes
        statistics.undeliveredBytes += loop.port.inboxBytes.count
      } then: {
        completion($0)
      }
    }
  }
}

extension BrokerStatistics {
  /// What all loops share.
  fileprivate init(_ environment: BrokerEnvironment) {
    sessions = environment.sessions.count
    monitors = environment.monitors.count
    workspaces = environment.workspaces.count
    consumers = environment.consumers.content.withLock(\.count)
    slowConsumers = environment.slowConsumers.count
  }
}
