public import CasebusProtocol
import DequeModule
import Synchronization

/// A journal that lasts as long as the process and keeps the newest records of each workspace.
public final class MemoryJournal: EventJournal {
  private let recordsPerWorkspaceMax: Int
  private let streams = Mutex<[WorkspaceID: Stream]>([:])

  /// - Parameter recordsPerWorkspaceMax: `journalMemoryEventsMax` of `registry/limits.json`; older records are dropped.
  public init(recordsPerWorkspaceMax: Int = 1000) {
    self.recordsPerWorkspaceMax = recordsPerWorkspaceMax
  }

  public func append(_ batch: JournalBatch, completion: @escaping @Sendable (Result<Void, JournalError>) -> Void) {
    let result: Result<Void, JournalError> = streams.withLock { streams in
      for (workspace, records) in batch.records {
        let actual = streams[workspace]?.last ?? 0
        guard let first = records.first, first.offset != actual + 1 else { continue }
        return .failure(.conflict(workspace, expected: first.offset - 1, actual: actual))
      }
      for (workspace, records) in batch.records {
        streams[workspace, default: Stream()].append(records, keeping: recordsPerWorkspaceMax)
      }
      return .success(())
    }
    completion(result)
  }

  public func read(
    _ workspace: WorkspaceID, after offset: JournalOffset, limit: Int
  ) throws(JournalError) -> [JournalRecord] {
    let stream = streams.withLock { $0[workspace] } ?? Stream()
    return try stream.read(after: offset, limit: limit)
  }

  public func workspaceLeft(_ workspace: WorkspaceID) {
    streams.withLock { _ = $0.removeValue(forKey: workspace) }
  }
}

/// The kept end of one workspace's records.
private struct Stream {
  private var records: Deque<JournalRecord> = []

  /// The offset of the newest record; 0 if there never was one.
  var last: JournalOffset { records.last?.offset ?? 0 }

  mutating func append(_ new: [JournalRecord], keeping limit: Int) {
    records.append(contentsOf: new)
    records.removeFirst(max(0, records.count - limit))
  }

  func read(after offset: JournalOffset, limit: Int) throws(JournalError) -> [JournalRecord] {
    guard let first = records.first?.offset else { return [] }
    guard first <= offset + 1 else { throw .pruned(first: first) }
    return Array(records.dropFirst(Int(offset + 1 - first)).prefix(limit))
  }
}
