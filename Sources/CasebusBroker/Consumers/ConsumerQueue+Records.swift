import CasebusJournal
import CasebusWorkspace
import DequeModule

/// How records come into the window.
extension ConsumerQueue {
  /// How many records may wait for room at the sessions.
  static var readAheadMax: Int { 64 }
  /// `consumerWindowBytesMax` of `registry/limits.json`.
  private static var windowBytesMax: Int { 4 << 20 }

  /// Records are durable that follow all others.
  mutating func recordsAppended(_ records: [ConsumerRecord], at now: Timestamp) -> Actions {
    last = max(last, records.last?.offset ?? 0)
    take(records)
    return actions(at: now)
  }

  /// There are records that somebody else appended.
  mutating func recordsNoticed(upTo offset: JournalOffset, at now: Timestamp) -> Actions {
    last = max(last, offset)
    return actions(at: now)
  }

  /// What ``Actions/read`` asked for is there. Records that are missing in it are no longer kept.
  mutating func recordsRead(_ records: [ConsumerRecord], at now: Timestamp) -> Actions {
    // Since the read began the last session may have left, and what waited then is to be read again.
    if let reading, reading.after == lookedAt { skip(before: records.first?.offset ?? reading.last + 1) }
    reading = nil
    take(records)
    last = max(last, lookedAt)
    return actions(at: now)
  }

  /// The journal could not read; the next input tries it again.
  mutating func readFailed() {
    reading = nil
  }

  /// The records before this one are no longer kept; those of the window still are given out.
  mutating func recordsPruned(before first: JournalOffset, at now: Timestamp) -> Actions {
    reading = nil
    skip(before: first)
    last = max(last, lookedAt)
    return actions(at: now)
  }

  /// There is more room for what waits.
  mutating func roomGrew(at now: Timestamp) -> Actions {
    freePending()
    return actions(at: now)
  }

  private mutating func skip(before offset: JournalOffset) {
    lookedAt = max(lookedAt, offset - 1)
  }

  /// Looks at the records that follow what was looked at, as far as there is room.
  private mutating func take(_ records: [ConsumerRecord]) {
    for record in records where record.offset == lookedAt + 1 {
      if names.contains(record.record.event) {
        guard freeEntries > 0 else { return }
        // One that comes again is in the window already.
        if entries[record.offset] == nil { add(record) }
      }
      lookedAt = record.offset
    }
  }

  private mutating func add(_ record: ConsumerRecord) {
    entries[record.offset] = Entry(record: record)
    windowBytes += record.bytes
    order.append(record.offset)
    waiting.append(record.offset)
  }

  /// How many more records the window takes; without a session nothing is held. What is with sessions that have more than
  /// their share, or waits for single ones, does not hold up the others, as long as the window is not twice as large.
  private var freeEntries: Int {
    guard !members.isEmpty, windowBytes < Self.windowBytesMax else { return 0 }
    let surplus = pendingCount + max(0, unacknowledged - limits.maxUnacknowledged)
    let size = limits.maxUnacknowledged + Self.readAheadMax + min(surplus, limits.maxUnacknowledged)
    return max(0, size - entries.count)
  }

  /// A read for what the window has room for, when it is worth one.
  mutating func wantedRead() -> Read? {
    let limit = freeEntries
    guard reading == nil, lookedAt < last, room > 0, limit > 0, waiting.count <= Self.readAheadMax / 2 else {
      return nil
    }
    reading = (lookedAt, last)
    return Read(after: lookedAt, limit: limit)
  }

  mutating func remove(_ offset: JournalOffset) -> Entry {
    guard let entry = entries.removeValue(forKey: offset) else { preconditionFailure("\(offset) is not in the window") }
    windowBytes -= entry.record.bytes
    trimOrder()
    return entry
  }

  private mutating func trimOrder() {
    while let first = order.first, entries[first].map(\.isAgain) ?? true { order.removeFirst() }
  }
}

// MARK: - Parked records that come again

extension ConsumerQueue {
  /// Parked records are to be given again. Those that are about to be already are no matter.
  mutating func redelivered(_ offsets: [JournalOffset], at now: Timestamp) -> Actions {
    let known = Set(again)
    again.append(contentsOf: offsets.filter { !comesAgain($0) && !known.contains($0) })
    return actions(at: now)
  }

  /// Whether a record is in the window, as it is when it was parked after the position of a broker that is gone; then it
  /// needs not be read.
  private mutating func comesAgain(_ offset: JournalOffset) -> Bool {
    guard entries[offset] != nil else { return false }
    entries[offset]!.isAgain = true
    trimOrder()
    return true
  }

  /// What ``Actions/readAgain`` asked for.
  /// - Parameter record: nil if it is no longer kept.
  mutating func recordReadAgain(_ record: ConsumerRecord?, at now: Timestamp) -> Actions {
    let offset = readingAgain
    readingAgain = nil
    // It is no longer the first one where the last session left meanwhile and gave others back.
    guard !members.isEmpty, let offset, let index = again.firstIndex(of: offset) else { return actions(at: now) }
    again.remove(at: index)
    if comesAgain(offset) { return actions(at: now) }
    if let record, record.offset == offset, names.contains(record.record.event) {
      entries[offset] = Entry(record: record, isAgain: true)
      windowBytes += record.bytes
      putBack([offset])
    } else {
      pendingActions.unparked.append(offset)
    }
    return actions(at: now)
  }

  mutating func readAgainFailed() {
    readingAgain = nil
  }

  mutating func wantedReadAgain() -> JournalOffset? {
    guard readingAgain == nil, room > 0, freeEntries > 0, waiting.count <= Self.readAheadMax / 2 else { return nil }
    readingAgain = again.first
    return readingAgain
  }
}
