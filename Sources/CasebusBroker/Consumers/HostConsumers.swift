import CasebusJournal
import CasebusWorkspace
import HeapModule
import NIOCore

/// The durable consumers of one workspace, as its host has them.
struct HostConsumers {
  private(set) var queues: [JournalConsumer.Key: ConsumerQueue] = [:]
  /// The one timer for what is to be given again.
  var timer: (at: Timestamp, timer: Scheduled<Void>)?
  /// When queues are to be looked at, at most one for each; its deadline may be later by then.
  private var due = Heap<Due>()
  private var isScheduled: [JournalConsumer.Key: Timestamp] = [:]
  /// The queues that have something to do, and those that have sessions.
  private var busy: Set<JournalConsumer.Key> = []
  private var joined: Set<JournalConsumer.Key> = []
  /// What the journal is still to be told.
  private var untold: [JournalConsumer.Key: JournalPosition] = [:]

  private struct Due: Comparable {
    var at: Timestamp
    var key: JournalConsumer.Key

    static func < (one: Self, other: Self) -> Bool { one.at < other.at }
  }

  /// Whether nothing is to be done for any of them, and nothing would be forgotten.
  /// - Parameter last: the newest record, which they may not know yet.
  func areIdle(upTo last: JournalOffset) -> Bool {
    busy.isEmpty && joined.allSatisfy { queues[$0]?.isIdle(upTo: last) ?? true }
  }

  mutating func add(_ key: JournalConsumer.Key, _ queue: ConsumerQueue) {
    queues[key] = queue
    note(key)
  }

  /// Tells a queue something.
  mutating func update<Result, Refusal: Error>(
    _ key: JournalConsumer.Key, _ body: (inout ConsumerQueue) throws(Refusal) -> Result
  ) throws(Refusal) -> Result {
    let result = try body(&queues[key]!)
    note(key)
    return result
  }

  private mutating func note(_ key: JournalConsumer.Key) {
    guard let queue = queues[key] else { return }
    if queue.isIdle(upTo: queue.last) { busy.remove(key) } else { busy.insert(key) }
    if queue.members.isEmpty { joined.remove(key) } else { joined.insert(key) }
    guard let deadline = queue.nextDeadline else { return }
    if let present = isScheduled[key], present <= deadline { return }
    isScheduled[key] = deadline
    due.insert(Due(at: deadline, key: key))
  }

  mutating func forget(_ key: JournalConsumer.Key) {
    queues[key] = nil
    untold[key] = nil
    busy.remove(key)
    joined.remove(key)
    isScheduled[key] = nil
  }
}

// MARK: - Time

extension HostConsumers {
  /// When a queue is to be looked at.
  var nextDeadline: Timestamp? { due.min?.at }

  /// The next queue whose deadline is over, each once; nil if there is none.
  mutating func popDue(at now: Timestamp) -> JournalConsumer.Key? {
    while let next = due.min, next.at <= now {
      due.removeMin()
      // An earlier look took its place, or the consumer was deleted.
      guard isScheduled[next.key] == next.at else { continue }
      isScheduled[next.key] = nil
      if let deadline = queues[next.key]?.nextDeadline, deadline <= now { return next.key }
      note(next.key)
    }
    return nil
  }
}

// MARK: - What the journal is to be told

extension HostConsumers {
  /// A consumer moved on; the journal is told with whatever it is told next.
  mutating func moved(_ position: JournalPosition) {
    var position = position
    if let earlier = untold[position.consumer] {
      position.parked = earlier.parked + position.parked
      position.unparked = earlier.unparked + position.unparked
    }
    untold[position.consumer] = position
  }

  mutating func takeUntold() -> [JournalPosition] {
    guard !untold.isEmpty else { return [] }
    defer { untold = [:] }
    return Array(untold.values)
  }

  /// The journal did not take these.
  mutating func putBack(_ positions: [JournalPosition]) {
    for var position in positions where queues[position.consumer] != nil {
      position.offset = max(untold[position.consumer]?.offset ?? 0, position.offset)
      moved(position)
    }
  }
}
