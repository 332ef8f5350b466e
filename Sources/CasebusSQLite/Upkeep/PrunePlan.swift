import CasebusJournal
import CasebusProtocol
import GRDB

/// The offsets up to which the records of some workspaces are no longer needed.
struct PrunePlan: Sendable {
  var cuts: [Cut] = []
  /// Unused numbers, up to ``last``.
  private(set) var gaps: [ClosedRange<Int64>] = []
  /// The number of the last checked workspace.
  private(set) var last: Int64

  struct Cut: Sendable {
    var workspace: WorkspaceID
    var id: Int64
    /// Records were deleted up to here …
    var pruned: JournalOffset
    /// … and are not needed up to here.
    var offset: JournalOffset
    var lost: [Lost] = []
  }

  /// A consumer that loses the deleted records.
  struct Lost: Sendable {
    var consumer: String
    var position: JournalOffset
  }

  /// - Returns: nil after the last workspace.
  init?(
    _ db: Database, after workspace: Int64, limit: Int, now: Int64, _ configuration: SQLiteJournalConfiguration
  ) throws {
    let streams = try Stream.all(db, after: workspace, limit: limit)
    guard let last = streams.last?.id else { return nil }
    self.last = last
    for (previous, next) in zip([workspace] + streams.map(\.id), streams.map(\.id)) where next > previous + 1 {
      gaps.append(previous + 1...next - 1)
    }
    let consumers = try Consumer.all(db)
    for stream in streams {
      guard let wish = try stream.unwanted(db, now: now, configuration) else { continue }
      let cut = try stream.cut(db, at: wish, sparing: consumers, configuration)
      if cut.offset > cut.pruned { cuts.append(cut) }
    }
  }
}

extension PrunePlan {
  fileprivate struct Consumer {
    var id: Int64
    var name: String
    var scope: String

    static func all(_ db: Database) throws -> [Consumer] {
      let statement = try SQLStatement(db, "SELECT id, name, scope FROM consumers")
      var consumers: [Consumer] = []
      while try statement.step() {
        consumers.append(Consumer(id: statement.integer(0), name: statement.text(1), scope: statement.text(2)))
      }
      return consumers
    }
  }

  fileprivate struct Stream {
    var id: Int64
    var name: String
    var pruned: JournalOffset
    var last: JournalOffset
    var snapshot: JournalOffset

    static func all(_ db: Database, after workspace: Int64, limit: Int) throws -> [Stream] {
      let statement = try SQLStatement(
        db,
        """
        SELECT w.id, w.name, w.pruned, max(w.pruned, \(StreamEnd.newestOffset)), ifnull(s.offset, 0)
        FROM workspaces w LEFT JOIN snapshots s ON s.workspace = w.id WHERE w.id > ? ORDER BY w.id LIMIT ?
        """)
      try statement.bind(1, workspace)
      try statement.bind(2, Int64(limit))
      var streams: [Stream] = []
      while try statement.step() {
        streams.append(
          Stream(
            id: statement.integer(0), name: statement.text(1), pruned: statement.offset(2), last: statement.offset(3),
            snapshot: statement.offset(4)))
      }
      return streams
    }

    /// The offset up to which records should be deleted by age, number and bytes; never after the snapshot, from which
    /// the state is loaded.
    func unwanted(
      _ db: Database, now: Int64, _ configuration: SQLiteJournalConfiguration
    ) throws -> JournalOffset? {
      guard snapshot > pruned else { return nil }
      let tooMany = last - min(last, configuration.retentionEventsPerWorkspaceMax)
      let tooOld = try lastRecord(db, before: configuration.retentionStart(at: now))
      let tooLong = try lastRecord(db, tooLongFor: configuration.retentionBytesPerWorkspaceMax)
      let offset = min(snapshot, max(tooMany, tooOld, tooLong))
      return offset > pruned ? offset : nil
    }

    /// The record before the first one that is young enough.
    private func lastRecord(_ db: Database, before time: Int64) throws -> JournalOffset {
      let statement = try SQLStatement(
        db, "SELECT id FROM events WHERE id > ? AND id <= ? AND time >= ? ORDER BY id LIMIT 1")
      try statement.bind(1, RecordID.make(id, pruned))
      try statement.bind(2, RecordID.end(of: id))
      try statement.bind(3, time)
      guard try statement.step() else { return last }
      defer { statement.reset() }
      return RecordID.offset(of: statement.integer(0)) - 1
    }

    /// The record up to which all must be deleted so that the rest has at most this many bytes.
    private func lastRecord(_ db: Database, tooLongFor bytesMax: Int64) throws -> JournalOffset {
      let sizes = try RecordSizes(db, of: id)
      guard last > pruned, let end = try sizes.total(last), let start = try sizes.totalBefore(pruned + 1),
        end - start > bytesMax
      else { return pruned }
      // `low` is not enough, `high` is.
      var (low, high) = (pruned, last)
      while high - low > 1 {
        let middle = low + (high - low) / 2
        if end - (try sizes.total(middle) ?? 0) > bytesMax { low = middle } else { high = middle }
      }
      return high
    }

    /// Unacknowledged records of consumers are kept, unless one of them exceeds its backlog limit.
    func cut(
      _ db: Database, at wish: JournalOffset, sparing consumers: [Consumer],
      _ configuration: SQLiteJournalConfiguration
    ) throws -> Cut {
      var cut = Cut(workspace: try WorkspaceID(journaled: name), id: id, pruned: pruned, offset: wish)
      guard !consumers.isEmpty else { return cut }
      let stored = try positions(db)
      let concerned = consumers.filter { $0.scope == "*" || $0.scope == name }
        .map { Lost(consumer: $0.name, position: max(pruned, stored[$0.id] ?? 0)) }
      let tooMuch = max(
        last - min(last, configuration.consumerBacklogEventsMax),
        try lastRecord(db, tooLongFor: configuration.consumerBacklogBytesMax))
      for consumer in concerned { cut.offset = min(cut.offset, max(consumer.position, tooMuch)) }
      cut.lost = concerned.filter { $0.position < cut.offset }
      return cut
    }

    private func positions(_ db: Database) throws -> [Int64: JournalOffset] {
      let statement = try SQLStatement(db, "SELECT consumer, offset FROM positions WHERE workspace = ?")
      try statement.bind(1, id)
      var positions: [Int64: JournalOffset] = [:]
      while try statement.step() { positions[statement.integer(0)] = statement.offset(1) }
      return positions
    }
  }
}
