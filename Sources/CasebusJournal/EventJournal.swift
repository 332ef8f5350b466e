package import CasebusProtocol

/// The durable, ordered log of workspace events, and what is remembered beside it: snapshots, answers to retried
/// messages, and how far durable consumers are (Docs/internals/journal.md).
///
/// Each workspace has a stream of its own, numbered 1, 2, 3 … without gaps. Everything here may be called from any
/// thread; completions are called exactly once, from any thread, and perhaps before the method returns.
package protocol EventJournal: Sendable {
  /// Appends a batch. Each part becomes durable as a whole or not at all, and a part that cannot be taken is refused
  /// without harm to the others (``JournalCommit/refused``). A failure means that nothing of the batch was committed.
  /// Batches complete in the order in which they were appended.
  ///
  /// A part is refused with ``JournalError/conflict(_:expected:actual:)`` if its stream does not stand where the part
  /// expects it. This is no failure of the journal: another broker appended first.
  func append(_ batch: JournalBatch, completion: @escaping @Sendable (Result<JournalCommit, JournalError>) -> Void)

  /// Where a workspace stands, and all that its state is made from. A workspace that never was has an empty stream.
  func open(_ workspace: WorkspaceID, completion: @escaping @Sendable (Result<JournalStream, JournalError>) -> Void)

  /// The records of a workspace that follow an offset, to be read page by page: those that are there now, perhaps later
  /// ones, too. They are kept from the moment that this returns until the replay is forgotten, whatever retention says.
  ///
  /// Never waits for the storage: event loops call it.
  /// - Throws: ``JournalError/pruned(first:)`` if records after the offset are no longer kept. The journal knows this of
  ///   every open workspace, from the completion of ``open(_:completion:)`` until ``close(_:)``. If the workspace is not
  ///   open, the first ``JournalReplay/read(after:limit:bytesMax:completion:)`` may say it instead.
  func replay(_ workspace: WorkspaceID, after offset: JournalOffset) throws(JournalError) -> any JournalReplay

  /// The workspace leaves memory.
  func close(_ workspace: WorkspaceID)

  /// Whether a stream is still there after ``close(_:)``: a journal that keeps no files forgets it.
  var outlivesClose: Bool { get }

  /// The workspaces that something is due in when time passes: those whose last batch said so
  /// (``JournalPart/deadline``).
  func workspacesWithDeadline(completion: @escaping @Sendable (Result<[WorkspaceID], JournalError>) -> Void)

  /// All durable consumers, by name and scope.
  func consumers(completion: @escaping @Sendable (Result<[JournalConsumer], JournalError>) -> Void)

  /// How far each of these consumers is in the workspaces in which events follow its position or are parked; in its one
  /// workspace in any case. A consumer that does not exist is missing in the result.
  func backlogs(
    of consumers: [JournalConsumer.Key],
    completion: @escaping @Sendable (Result<[JournalConsumer.Key: [JournalBacklog]], JournalError>) -> Void)

  /// Whether what is appended now is likely to become durable. A journal that failed finds out by itself when it works
  /// again.
  var health: JournalHealth { get }

  /// What the journal has done. Cheap enough to be asked every second, not on the way of a message.
  var statistics: JournalStatistics { get }
}

extension EventJournal {
  package var outlivesClose: Bool { true }

  /// The backlog of one consumer; empty if it does not exist.
  package func backlog(
    of consumer: JournalConsumer.Key, completion: @escaping @Sendable (Result<[JournalBacklog], JournalError>) -> Void
  ) {
    backlogs(of: [consumer]) { result in completion(result.map { $0[consumer] ?? [] }) }
  }

  /// Of a journal that counts nothing.
  package var statistics: JournalStatistics { JournalStatistics(health: health) }
}

/// Reads the records after an offset, in order.
package protocol JournalReplay: Sendable {
  /// The records of one workspace that follow an offset, as many as there are but at most `limit`, and about
  /// `bytesMax` bytes of them; at least one if there is any. Fails with ``JournalError/pruned(first:)`` if records after
  /// the offset are no longer kept.
  func read(
    after offset: JournalOffset, limit: Int, bytesMax: Int,
    completion: @escaping @Sendable (Result<[JournalRecord], JournalError>) -> Void)
}

/// Whether a journal takes what it is given.
package enum JournalHealth: Hashable, Sendable {
  case available
  /// The storage fails; the text says how. It is told to whoever asks over HTTP, so it names no files.
  case unavailable(String)
}

/// Why the journal did not do what was asked.
package enum JournalError: Error, Hashable, Sendable {
  /// Nothing of the part was written: it expected the stream at `expected`, and the stream stands at `actual`.
  ///
  /// `actual` is greater if another broker appended to the workspace. Then the caller reads the records after its own
  /// offset (the last one that it knows to be durable), takes them over, decides the same commands again and appends the
  /// result, expecting the offset of the last record that it has read. `actual` is less if the caller did not wait: it
  /// appended on top of a part that was refused.
  case conflict(WorkspaceID, expected: JournalOffset, actual: JournalOffset)
  /// The records are no longer kept; the oldest one that is has this offset.
  case pruned(first: JournalOffset)
  /// The journal can take no more of this; the text names the limit.
  case limitReached(String)
  /// The storage failed; the text says how. It is told to clients, so it names no files.
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
