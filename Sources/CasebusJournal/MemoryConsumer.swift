import CasebusProtocol

/// A durable consumer of the memory journal.
struct MemoryConsumer {
  let consumer: JournalConsumer
  var positions: [WorkspaceID: JournalOffset] = [:]
  /// By workspace and offset.
  private var parked: [WorkspaceID: [JournalOffset: ParkedRecord]] = [:]

  init(consumer: JournalConsumer, positions: [WorkspaceID: JournalOffset]) {
    self.consumer = consumer
    self.positions = positions
  }

  func covers(_ workspace: WorkspaceID) -> Bool {
    consumer.key.workspace == nil || consumer.key.workspace == workspace
  }

  mutating func move(to position: JournalPosition, in workspace: WorkspaceID) {
    positions[workspace] = position.offset
    for record in position.parked { parked[workspace, default: [:]][record.offset] = record }
    for offset in position.unparked { parked[workspace]?[offset] = nil }
    if parked[workspace]?.isEmpty == true { parked[workspace] = nil }
  }

  mutating func redeliver(_ offsets: [WorkspaceID: [JournalOffset]]) {
    for (workspace, offsets) in offsets {
      for offset in offsets { parked[workspace]?[offset]?.comesAgain = true }
    }
  }

  /// The kept ones, the oldest first.
  func parked(in workspace: WorkspaceID, from first: JournalOffset) -> [ParkedRecord] {
    (parked[workspace] ?? [:]).values.filter { $0.offset >= first }.sorted { $0.offset < $1.offset }
  }

  /// Records before this one are no longer kept, and with them the parked ones.
  mutating func pruned(before first: JournalOffset, in workspace: WorkspaceID) {
    guard let kept = parked[workspace]?.filter({ $0.key >= first }) else { return }
    parked[workspace] = kept.isEmpty ? nil : kept
  }
}

extension MemoryJournal.Content {
  /// A new stream gets its epoch now.
  mutating func open(_ workspace: WorkspaceID) -> JournalStream {
    let stream = streams[workspace] ?? MemoryStream()
    streams[workspace] = stream
    return stream.content
  }

  mutating func append(_ batch: JournalBatch, keeping room: MemoryStream.Room) -> JournalCommit {
    for change in batch.consumerChanges { apply(change) }
    var commit = JournalCommit()
    for (workspace, part) in batch.parts {
      let last = streams[workspace]?.last ?? 0
      guard part.expected == last else {
        commit.refused[workspace] = .conflict(workspace, expected: part.expected, actual: last)
        continue
      }
      // In place, because a second reference to the stream would copy all of its records.
      statistics.committedBytes += streams[workspace, default: MemoryStream()].append(part, keeping: room)
      statistics.committedRecords += part.records.count
      for position in part.positions { move(to: position, in: workspace) }
    }
    statistics.count(.success(commit))
    return commit
  }

  func backlogs(of keys: [JournalConsumer.Key]) -> [JournalConsumer.Key: [JournalBacklog]] {
    var backlogs: [JournalConsumer.Key: [JournalBacklog]] = [:]
    for key in keys { backlogs[key] = consumers[key].map { self.backlogs(of: $0, key) } }
    return backlogs
  }

  private func backlogs(of consumer: MemoryConsumer, _ key: JournalConsumer.Key) -> [JournalBacklog] {
    if let workspace = key.workspace { return [backlog(of: consumer, in: workspace)] }
    return streams.keys.map { backlog(of: consumer, in: $0) }
      .filter { $0.position < $0.last || !$0.parked.isEmpty }
  }

  private func backlog(of consumer: MemoryConsumer, in workspace: WorkspaceID) -> JournalBacklog {
    let stream = streams[workspace, default: MemoryStream()]
    return stream.backlog(
      of: workspace, after: consumer.positions[workspace] ?? 0, consumer.parked(in: workspace, from: stream.first))
  }

  private mutating func move(to position: JournalPosition, in workspace: WorkspaceID) {
    consumers[position.consumer]?.move(to: position, in: workspace)
    guard !position.parked.isEmpty else { return }
    consumers[position.consumer]?.pruned(before: streams[workspace]?.first ?? 1, in: workspace)
  }

  /// Forgets a stream that no durable consumer can still need.
  mutating func close(_ workspace: WorkspaceID) {
    if streams[workspace]?.first == 1, streams[workspace]?.records.isEmpty == true { streams[workspace] = nil }
    guard !consumers.values.contains(where: { $0.covers(workspace) }) else { return }
    streams[workspace] = nil
  }

  private mutating func apply(_ change: JournalConsumer.Change) {
    switch change {
    case .make(let consumer, let start) where consumers[consumer.key] == nil:
      consumers[consumer.key] = MemoryConsumer(consumer: consumer, positions: positions(of: consumer, at: start))
    case .make: break
    case .delete(let key): consumers[key] = nil
    case .redeliver(let key, let offsets): consumers[key]?.redeliver(offsets)
    }
  }

  private func positions(of consumer: JournalConsumer, at start: JournalConsumer.Start) -> [WorkspaceID: JournalOffset]
  {
    switch start {
    case .beginning: streams.mapValues { $0.first - 1 }
    case .now: streams.mapValues { $0.content.last }
    case .after(let offset): consumer.key.workspace.map { [$0: offset] } ?? [:]
    }
  }
}
