import CasebusJournal
import CasebusProtocol
import NIOCore

extension EventJournal {
  /// - Throws: also if a part was refused; the others are committed then.
  func append(_ batch: JournalBatch) async throws {
    let commit = try await result { append(batch, completion: $0) }
    if let error = commit.refused.values.first { throw error }
  }

  /// Appends records only.
  func append(_ records: [WorkspaceID: [JournalRecord]]) async throws {
    try await append(
      JournalBatch(
        parts: records.mapValues { records in
          var part = JournalPart(expected: records[0].offset - 1)
          part.records = records
          return part
        }))
  }

  /// Appends what the body makes of an empty part.
  func append(
    to workspace: WorkspaceID, after expected: JournalOffset, _ body: (inout JournalPart) -> Void
  ) async throws {
    var part = JournalPart(expected: expected)
    body(&part)
    try await append(JournalBatch(parts: [workspace: part]))
  }

  func change(_ changes: JournalConsumer.Change...) async throws {
    try await append(JournalBatch(consumerChanges: changes))
  }

  func open(_ workspace: WorkspaceID) async throws -> JournalStream {
    try await result { open(workspace, completion: $0) }
  }

  func read(
    _ workspace: WorkspaceID, after offset: JournalOffset, limit: Int = 1_000, bytesMax: Int = .max
  ) async throws -> [JournalRecord] {
    try await replay(workspace, after: offset).read(after: offset, limit: limit, bytesMax: bytesMax)
  }

  func workspacesWithDeadline() async throws -> Set<WorkspaceID> {
    Set(try await result { workspacesWithDeadline(completion: $0) })
  }

  func consumers() async throws -> Set<JournalConsumer> {
    Set(try await result { consumers(completion: $0) })
  }

  /// By name of the workspace.
  func backlog(of consumer: JournalConsumer.Key) async throws -> [JournalBacklog] {
    try await result { backlog(of: consumer, completion: $0) }.sorted { $0.workspace.text < $1.workspace.text }
  }
}

extension JournalReplay {
  func read(after offset: JournalOffset, limit: Int = 1_000, bytesMax: Int = .max) async throws -> [JournalRecord] {
    try await result { read(after: offset, limit: limit, bytesMax: bytesMax, completion: $0) }
  }
}

/// What a method tells its completion.
private func result<Value: Sendable>(
  _ body: (@escaping @Sendable (Result<Value, JournalError>) -> Void) throws -> Void
) async throws -> Value {
  try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
    do {
      try body { continuation.resume(with: $0.mapError { $0 as any Error }) }
    } catch {
      continuation.resume(throwing: error)
    }
  }
}
