public import CasebusProtocol
public import struct NIOCore.ByteBuffer

/// The durable, ordered log of workspace events (DESIGN §3).
///
/// Each workspace has a stream of its own, numbered 1, 2, 3 … without gaps. Everything here may be called from any thread.
public protocol EventJournal: Sendable {
  /// Appends a batch: all of it or nothing.
  /// - Parameter completion: called exactly once, from any thread and perhaps before this method returns, when the batch is
  ///   durable or has failed. Batches complete in the order in which they were appended.
  func append(_ batch: JournalBatch, completion: @escaping @Sendable (Result<Void, JournalError>) -> Void)

  /// Up to `limit` records of a workspace that follow an offset, in order.
  /// - Throws: ``JournalError/pruned(first:)`` if records after the offset are no longer kept.
  func read(_ workspace: WorkspaceID, after offset: JournalOffset, limit: Int) throws(JournalError) -> [JournalRecord]

  /// The workspace left memory with nothing to remember. A journal that keeps no files forgets its stream.
  func workspaceLeft(_ workspace: WorkspaceID)
}

/// The position of a record in its workspace's stream. The first record has 1; 0 is before all of them.
public typealias JournalOffset = UInt64

/// One workspace event as it is kept.
public struct JournalRecord: Hashable, Sendable {
  public var offset: JournalOffset
  /// The event name under which clients get it.
  public var event: String
  /// The `data` of the envelope, as JSON.
  public var data: ByteBuffer

  public init(offset: JournalOffset, event: String, data: ByteBuffer) {
    self.offset = offset
    self.event = event
    self.data = data
  }
}

/// Records of any number of workspaces that become durable together.
public struct JournalBatch: Hashable, Sendable {
  /// The records by workspace, consecutive; the first one tells which offset the stream is expected to stand at.
  public var records: [WorkspaceID: [JournalRecord]]

  public init(records: [WorkspaceID: [JournalRecord]] = [:]) {
    self.records = records
  }
}

/// Why the journal did not do what was asked.
public enum JournalError: Error, Hashable, Sendable {
  /// Somebody else appended to the workspace; its stream stands at `actual`.
  case conflict(WorkspaceID, expected: JournalOffset, actual: JournalOffset)
  /// The records are no longer kept; the oldest one that is has this offset.
  case pruned(first: JournalOffset)
  /// The storage failed; the text says how.
  case unavailable(String)
}
