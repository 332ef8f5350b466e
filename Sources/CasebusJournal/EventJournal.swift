package import CasebusProtocol

/// The durable, ordered log of workspace events, with snapshots, answers to messages with a `messageId`, and the
/// positions of durable consumers (Docs/internals/journal.md).
///
/// Each workspace has its own stream, numbered 1, 2, 3 … without gaps. All methods can be called from any thread;
/// completions are called exactly once, from any thread, perhaps before the method returns.
package protocol EventJournal: Sendable {
  /// Appends a batch. Each part becomes durable as a whole or not at all, and a refused part does not affect the others
  /// (``JournalCommit/refused``). A failure means that nothing of the batch was committed. Batches complete in the
  /// order in which they were appended.
  ///
  /// A part is refused with ``JournalError/conflict(_:expected:actual:)`` if its stream has another offset than the
  /// part expects. This is not a failure of the journal: another broker appended first.
  func append(_ batch: JournalBatch, completion: @escaping @Sendable (Result<JournalCommit, JournalError>) -> Void)

  /// Opens a workspace: its offset, and the snapshot and records of its state. An unused workspace has an empty stream.
  func open(_ workspace: WorkspaceID, completion: @escaping @Sendable (Result<JournalStream, JournalError>) -> Void)

  /// A replay of the records of a workspace after an offset, to be read page by page; it can include records appended
  /// later. From the return of this method on the records are kept as long as the replay exists, whatever retention
  /// says.
  ///
  /// Never waits for the storage: event loops call it.
  /// - Throws: ``JournalError/pruned(first:)`` if records after the offset are no longer kept. The journal knows this of
  ///   every open workspace, from the completion of ``open(_:completion:)`` until ``close(_:)``. If the workspace is not
  ///   open, the first ``JournalReplay/read(after:limit:bytesMax:completion:)`` may say it instead.
  func replay(_ workspace: WorkspaceID, after offset: JournalOffset) throws(JournalError) -> any JournalReplay

  /// The workspace was evicted from memory.
  func close(_ workspace: WorkspaceID)

  /// Whether a stream is kept after ``close(_:)``. A journal without files forgets it.
  var outlivesClose: Bool { get }

  /// The workspaces with a deadline (``JournalPart/deadline`` of their last batch).
  func workspacesWithDeadline(completion: @escaping @Sendable (Result<[WorkspaceID], JournalError>) -> Void)

  /// All durable consumers, by name and scope.
  func consumers(completion: @escaping @Sendable (Result<[JournalConsumer], JournalError>) -> Void)

  /// The positions of each consumer in the workspaces with events after its position or parked events; for a consumer of
  /// one workspace in any case. An unknown consumer is missing in the result.
  func backlogs(
    of consumers: [JournalConsumer.Key],
    completion: @escaping @Sendable (Result<[JournalConsumer.Key: [JournalBacklog]], JournalError>) -> Void)

  /// Whether an append is likely to succeed now. A failed journal tests by itself whether it works again.
  var health: JournalHealth { get }

  /// The counts of the journal. Cheap enough for once a second, not for each message.
  var statistics: JournalStatistics { get }
}

extension EventJournal {
  package var outlivesClose: Bool { true }

  /// The backlog of one consumer; empty for an unknown consumer.
  package func backlog(
    of consumer: JournalConsumer.Key, completion: @escaping @Sendable (Result<[JournalBacklog], JournalError>) -> Void
  ) {
    backlogs(of: [consumer]) { result in completion(result.map { $0[consumer] ?? [] }) }
  }

  /// The statistics of a journal that counts nothing.
  package var statistics: JournalStatistics { JournalStatistics(health: health) }
}

/// Reads the records after an offset, in order.
package protocol JournalReplay: Sendable {
  /// The next records after an offset: at most `limit`, and about `bytesMax` bytes; at least one if there is any. Fails
  /// with ``JournalError/pruned(first:)`` if records after the offset are no longer kept.
  func read(
    after offset: JournalOffset, limit: Int, bytesMax: Int,
    completion: @escaping @Sendable (Result<[JournalRecord], JournalError>) -> Void)
}

/// Whether a journal works.
package enum JournalHealth: Hashable, Sendable {
  case available
  /// The storage fails; the text is the reason. It is shown over HTTP, so it names no files.
  case unavailable(String)
}

/// Why an operation of the journal failed.
package enum JournalError: Error, Hashable, Sendable {
  /// Nothing of the part was written: it expected the offset `expected`, and the stream has the offset `actual`.
  ///
  /// `actual` is greater if another broker appended to the workspace. Then the caller reads the records after its own
  /// durable offset, applies them, decides the same commands again and appends the result with the new offset. `actual`
  /// is less if the caller appended on top of a part that was refused.
  case conflict(WorkspaceID, expected: JournalOffset, actual: JournalOffset)
  /// The records are no longer kept; the oldest kept one has this offset.
  case pruned(first: JournalOffset)
  /// A limit of the journal was reached; the text names it.
  case limitReached(String)
  /// The storage failed; the text is the reason. Clients see it, so it names no files.
  case unavailable(String)
}

extension JournalError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .conflict(let workspace, let expected, let actual):
      "workspace \(workspace) stands at offset \(actual), expected \(expected): another broker wrote to it"
    case .pruned(let first): "the records before offset \(first) are no longer kept"
    case .limitReached(let reason), .unavailable(let reason): reason
    }
  }
}
