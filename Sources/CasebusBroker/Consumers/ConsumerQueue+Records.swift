import CasebusJournal
import CasebusWorkspace
import DequeModule

/// How records come into the window.
extension ConsumerQueue {
  /// How many records may wait for room at the sessions.
  static var readAheadMax: Int { 64 }
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

  private mutating func skip(before offset: JournalOffset) {
    lookedAt = max(lookedAt, offset - 1)
  }

  /// Looks at the records that follow what was looked at, as far as there is room.
  private mutating func take(_ records: [ConsumerRecord]) {
    for record in records where record.offset == lookedAt + 1 {
      if names.contains(record.record.event) {
        guard hasRoom else { return }
        entries[record.offset] = Entry(record: record)
        windowBytes += record.bytes
        waiting.append(record.offset)
      }
      lookedAt = record.offset
    }
  }

  /// Without a session nothing is held.
  private var hasRoom: Bool {
    !members.isEmpty && entries.count < limits.maxUnacknowledged + Self.readAheadMax
      && windowBytes < Self.windowBytesMax
  }

  /// A read for what the window has room for, when it is worth one.
  mutating func wantedRead() -> Read? {
    guard reading == nil, lookedAt < last, room > 0, hasRoom, waiting.count <= Self.readAheadMax / 2 else { return nil }
    reading = (lookedAt, last)
    return Read(after: lookedAt, limit: limits.maxUnacknowledged + Self.readAheadMax - entries.count)
  }

  mutating func remove(_ offset: JournalOffset) -> Entry {
    guard let entry = entries.removeValue(forKey: offset) else { preconditionFailure("\(offset) is not in the window") }
    windowBytes -= entry.record.bytes
    return entry
  }
}
