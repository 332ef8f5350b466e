import CasebusProtocol

/// A durable consumer that lasts as long as the process.
struct MemoryConsumer {
  let consumer: JournalConsumer
  var positions: [WorkspaceID: JournalOffset] = [:]
  var parked: [WorkspaceID: [ParkedRecord]] = [:]

  func covers(_ workspace: WorkspaceID) -> Bool {
    consumer.key.workspace == nil || consumer.key.workspace == workspace
  }

  mutating func move(to position: JournalPosition, in workspace: WorkspaceID) {
    positions[workspace] = position.offset
    if !position.parked.isEmpty { parked[workspace, default: []].append(contentsOf: position.parked) }
  }
}

extension MemoryJournal.Content {
  /// A stream that is new has its epoch from now on.
  mutating func open(_ workspace: WorkspaceID) -> JournalStream {
    let stream = streams[workspace] ?? MemoryStream()
    streams[workspace] = stream
    return stream.content
  }

  mutating func append(_ batch: JournalBatch, keeping room: MemoryStream.Room) -> JournalCommit {
    for change in batch.consumerChanges { apply(change) }
    var commit = JournalCommit()
    for (workspace, part) in batch.parts {
      let stream = streams[workspace, default: MemoryStream()]
      if let error = stream.conflict(with: part, in: workspace) {
        commit.refused[workspace] = error
        continue
      }
      streams[workspace, default: stream].append(part, keeping: room)
      for position in part.positions { consumers[position.consumer]?.move(to: position, in: workspace) }
    }
    return commit
  }

  func backlog(of key: JournalConsumer.Key) -> [JournalBacklog] {
    guard let consumer = consumers[key] else { return [] }
    if let workspace = key.workspace { return [backlog(of: consumer, in: workspace)] }
    return streams.keys.map { backlog(of: consumer, in: $0) }
      .filter { $0.position < $0.last || !$0.parked.isEmpty }
  }

  private func backlog(of consumer: MemoryConsumer, in workspace: WorkspaceID) -> JournalBacklog {
    streams[workspace, default: MemoryStream()].backlog(
      of: workspace, after: consumer.positions[workspace] ?? 0, consumer.parked[workspace] ?? [])
  }

  /// A stream that no durable consumer may still want is forgotten.
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
