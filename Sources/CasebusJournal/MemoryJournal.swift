package import CasebusProtocol
import Synchronization

/// A journal in memory: it ends with the process, and keeps the newest records of each workspace.
package final class MemoryJournal: EventJournal {
  private let room: MemoryStream.Room
  private let content = Mutex(Content())

  /// The oldest records are dropped above the limits, but never the newest one.
  /// - Parameters:
  ///   - recordsPerWorkspaceMax: `journalMemoryEventsMax` of `registry/limits.json`.
  ///   - bytesPerWorkspaceMax: `journalMemoryBytesMax`, of the memory of the records.
  package init(recordsPerWorkspaceMax: Int = 1000, bytesPerWorkspaceMax: Int = 4 << 20) {
    room = MemoryStream.Room(records: recordsPerWorkspaceMax, bytes: bytesPerWorkspaceMax)
  }

  /// The state of the journal.
  struct Content {
    var streams: [WorkspaceID: MemoryStream] = [:]
    var consumers: [JournalConsumer.Key: MemoryConsumer] = [:]
    var statistics = JournalStatistics(health: .available)
  }

  package var health: JournalHealth { .available }

  package var statistics: JournalStatistics { content.withLock { $0.statistics } }

  package var outlivesClose: Bool { false }

  package func append(
    _ batch: JournalBatch, completion: @escaping @Sendable (Result<JournalCommit, JournalError>) -> Void
  ) {
    completion(.success(content.withLock { $0.append(batch, keeping: room) }))
  }

  package func open(
    _ workspace: WorkspaceID, completion: @escaping @Sendable (Result<JournalStream, JournalError>) -> Void
  ) {
    completion(.success(content.withLock { $0.open(workspace) }))
  }

  package func replay(_ workspace: WorkspaceID, after offset: JournalOffset) throws(JournalError) -> any JournalReplay {
    let stream = content.withLock { $0.streams[workspace] } ?? MemoryStream()
    guard stream.first <= offset + 1 else { throw .pruned(first: stream.first) }
    return MemoryReplay(records: stream.records)
  }

  package func close(_ workspace: WorkspaceID) {
    content.withLock { $0.close(workspace) }
  }

  package func workspacesWithDeadline(
    completion: @escaping @Sendable (Result<[WorkspaceID], JournalError>) -> Void
  ) {
    completion(.success(content.withLock { $0.streams.filter { $0.value.deadline != nil }.map(\.key) }))
  }

  package func consumers(completion: @escaping @Sendable (Result<[JournalConsumer], JournalError>) -> Void) {
    completion(.success(content.withLock { $0.consumers.values.map(\.consumer) }))
  }

  package func backlogs(
    of consumers: [JournalConsumer.Key],
    completion: @escaping @Sendable (Result<[JournalConsumer.Key: [JournalBacklog]], JournalError>) -> Void
  ) {
    completion(.success(content.withLock { $0.backlogs(of: consumers) }))
  }
}
