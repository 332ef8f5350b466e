import CasebusJournal
import CasebusProtocol
import Synchronization

/// From where on the streams of open workspaces are kept, and from where on replays need them.
final class StreamHolds: Sendable {
  private let streams = Mutex<[WorkspaceID: Stream]>([:])

  fileprivate struct Stream {
    var isOpen = false
    /// Every record up to this one is gone; nil while that is not known.
    var pruned: JournalOffset?
    /// How many replays need what follows an offset.
    var replays: [JournalOffset: Int] = [:]

    mutating func pruned(upTo offset: JournalOffset) {
      pruned = max(pruned ?? 0, offset)
    }
  }

  /// Comes before the stream is read, so that what is pruned meanwhile is noticed.
  func open(_ workspace: WorkspaceID) {
    streams.withLock { $0[workspace, default: Stream()].isOpen = true }
  }

  func opened(_ workspace: WorkspaceID, pruned: JournalOffset) {
    streams.withLock { $0[workspace]?.pruned(upTo: pruned) }
  }

  func close(_ workspace: WorkspaceID) {
    streams.withLock { streams in
      streams[workspace]?.isOpen = false
      streams.dropUnused(workspace)
    }
  }

  /// - Returns: up to where the records are gone; nil if that is not known.
  func hold(_ workspace: WorkspaceID, after offset: JournalOffset) -> JournalOffset? {
    streams.withLock { streams in
      streams[workspace, default: Stream()].replays[offset, default: 0] += 1
      return streams[workspace]?.pruned
    }
  }

  func release(_ workspace: WorkspaceID, after offset: JournalOffset) {
    streams.withLock { streams in
      let count = streams[workspace]?.replays[offset] ?? 0
      streams[workspace]?.replays[offset] = count > 1 ? count - 1 : nil
      streams.dropUnused(workspace)
    }
  }

  /// What replays need may not be pruned; the rest counts as gone from now on.
  /// - Returns: up to where records may be deleted.
  func prune(_ workspace: WorkspaceID, upTo offset: JournalOffset) -> JournalOffset {
    streams.withLock { streams in
      let allowed = min(offset, streams[workspace]?.replays.keys.min() ?? offset)
      streams[workspace]?.pruned(upTo: allowed)
      return allowed
    }
  }
}

extension Dictionary where Key == WorkspaceID, Value == StreamHolds.Stream {
  fileprivate mutating func dropUnused(_ workspace: WorkspaceID) {
    if let stream = self[workspace], !stream.isOpen, stream.replays.isEmpty { self[workspace] = nil }
  }
}
