import CasebusJournal
import CasebusProtocol
import Synchronization

/// Who is part of which consumer, and what workspaces must know that come and go.
extension ConsumerDirectory {
  /// - Returns: whether the consumer is still there.
  func add(_ session: SessionKey, to key: JournalConsumer.Key) -> Bool {
    content.withLock { content in
      guard content[key] != nil else { return false }
      content[key]?.sessions.append(session)
      return true
    }
  }

  func remove(_ session: SessionKey, from key: JournalConsumer.Key) {
    content.withLock { $0[key]?.sessions.remove(session) }
  }

  /// The consumers that a workspace has when it comes into memory.
  func coverage(of workspace: WorkspaceID) -> [Coverage] {
    content.withLock { content in
      [workspace, nil].flatMap { scope in
        (content.registrations[scope] ?? [:]).values.filter(\.stage.isVisible).map {
          Coverage(
            consumer: $0.consumer, position: $0.positions[workspace], again: $0.again[workspace] ?? [],
            sessions: $0.sessions.elements)
        }
      }
    }
  }

  /// A workspace leaves memory.
  /// - Parameters:
  ///   - position: nil if nothing follows it.
  ///   - again: parked events that are to be given again.
  func setPosition(
    _ position: JournalOffset?, again: [JournalOffset], of key: JournalConsumer.Key, in workspace: WorkspaceID
  ) {
    content.withLock { content in
      content[key]?.positions[workspace] = position
      content[key]?.again[workspace] = again.isEmpty ? nil : again
    }
  }

  /// Parked events are to be given again, in workspaces that are perhaps not in memory.
  func redeliver(_ offsets: [JournalOffset], of key: JournalConsumer.Key, in workspace: WorkspaceID) {
    content.withLock { content in
      let known = Set(content[key]?.again[workspace] ?? [])
      content[key]?.again[workspace, default: []] += offsets.filter { !known.contains($0) }
    }
  }

  /// Whether it has sessions that something can be given to.
  func hasSessions(_ key: JournalConsumer.Key) -> Bool {
    content.withLock { $0[key]?.sessions.isEmpty == false }
  }

  /// The workspaces that may have events for a consumer of all.
  func workspacesWithBacklog(of key: JournalConsumer.Key) -> [WorkspaceID] {
    content.withLock { content in content[key].map { Array(Set($0.positions.keys).union($0.again.keys)) } ?? [] }
  }

  /// Whether sessions wait for the events of a workspace that is not in memory.
  func isAwaited(_ workspace: WorkspaceID) -> Bool {
    content.withLock { content in
      (content.registrations[nil] ?? [:]).values.contains {
        !$0.sessions.isEmpty && ($0.positions[workspace] != nil || $0.again[workspace] != nil)
      }
    }
  }

  /// A consumer with the number of its sessions; nil if there is none.
  func find(_ key: JournalConsumer.Key) -> (consumer: JournalConsumer, sessions: Int)? {
    content.withLock { content in
      guard let registration = content[key], registration.stage.isVisible else { return nil }
      return (registration.consumer, registration.sessions.count)
    }
  }

  /// The consumers of a workspace, or those of all workspaces, in the order of their names, each with the number of its
  /// sessions.
  func list(in workspace: WorkspaceID?) -> [(consumer: JournalConsumer, sessions: Int)] {
    content.withLock { content in
      (content.registrations[workspace] ?? [:]).values.filter(\.stage.isVisible)
        .sorted { $0.consumer.key.name < $1.consumer.key.name }
        .map { ($0.consumer, $0.sessions.count) }
    }
  }
}
